import { Args, Ctx, Field, FieldResolver, ObjectType, Query, Resolver, Root } from 'type-graphql';
import type { Viewer } from '../auth/viewer.js';
import { OrderDirection } from '../pagination/order.js';
import { PageArguments, parsePageArguments } from '../pagination/page-arguments.js';
import { Product } from '../products/product.js';
import { Author } from './author.js';
import type { ReviewsContext } from './context.js';
import { ReviewConnection } from './review-list.js';
import { REVIEW_ORDERS } from './review-order.js';
import { Review } from './review.js';

@ObjectType('Viewer', { description: 'Who is calling, as their token says.', simpleResolvers: true })
class SignedInViewer {
  @Field(() => Boolean, { description: 'Whether the token is that of an admin.' })
  isAdmin!: boolean;

  /** Asked by the resolvers. */
  viewer!: Viewer;
}

const SCOPE = { kind: 'own-review', order: REVIEW_ORDERS.CREATED_AT, direction: OrderDirection.DESC, filter: '' };

@Resolver(() => SignedInViewer)
export class ViewerResolver {
  @Query(() => SignedInViewer, { nullable: true, description: 'Who is calling; null without a token.' })
  viewer(@Ctx() { viewer }: ReviewsContext): SignedInViewer | null {
    return viewer === null ? null : Object.assign(new SignedInViewer(), { viewer, isAdmin: viewer.isAdmin });
  }

  @FieldResolver(() => Author, {
    nullable: true,
    description: 'How the public sees the caller; null before they have written anything.',
  })
  author(@Ctx() { reviews }: ReviewsContext): Promise<Author | null> {
    return reviews.ownAuthor();
  }

  @FieldResolver(() => ReviewConnection, {
    description: "The caller's own reviews in any status, newest first.",
  })
  async reviews(
    @Root() { viewer: { issuer, subject } }: SignedInViewer,
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { reviews }: ReviewsContext,
  ): Promise<ReviewConnection> {
    const condition = {
      text: 'author_id = (SELECT a.id FROM authors a WHERE a.issuer = $1 AND a.subject = $2)',
      values: [issuer, subject],
      isIndexed: true,
    };
    const read = await reviews.list({ ...SCOPE, condition, page: parsePageArguments(page, SCOPE) });
    return new ReviewConnection(read, () => reviews.count(condition));
  }
}

/** What the caller adds to a product. */
@Resolver(() => Product)
export class ViewerReviewResolver {
  @FieldResolver(() => Review, {
    nullable: true,
    description: "The caller's own review of it, in any status; null where there is none, and without a token.",
  })
  viewerReview(@Root() { id }: Product, @Ctx() { reviews }: ReviewsContext): Promise<Review | null> | null {
    return reviews.ofViewer?.load(id) ?? null;
  }
}
