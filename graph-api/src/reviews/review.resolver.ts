import { Arg, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { notFound } from '../graphql/errors.js';
import { parseId } from '../graphql/ids.js';
import { Product } from '../products/product.js';
import { Author } from './author.js';
import type { ReviewsContext } from './context.js';
import { Review } from './review.js';

@Resolver(() => Review)
export class ReviewResolver {
  @Query(() => Review, {
    nullable: true,
    description:
      'The review with this id; null where there is none. One that is not published is seen by its author and admins.',
  })
  review(
    @Arg('id', () => ID, { description: 'The id of a review.' }) id: string,
    @Ctx() { reviews }: ReviewsContext,
  ): Promise<Review | null> {
    return reviews.byId.load(parseId(id, 'id'));
  }

  @FieldResolver(() => Product, { description: 'What is reviewed.' })
  async product(@Root() review: Review, @Ctx() { products }: ReviewsContext): Promise<Product> {
    const product = await products.byId.load(review.productId);
    // It was deleted, and the review with it, after the review was read.
    if (product === null) throw notFound('The product of this review was deleted a moment ago.');
    return product;
  }

  @FieldResolver(() => Author, { nullable: true, description: "Who wrote it; null once the author's data was erased." })
  async author(@Root() review: Review, @Ctx() { reviews }: ReviewsContext): Promise<Author | null> {
    return review.authorId === null ? null : reviews.authors.load(review.authorId);
  }
}
