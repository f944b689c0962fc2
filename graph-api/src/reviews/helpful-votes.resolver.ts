import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { ReviewsContext } from './context.js';
import { Review } from './review.js';

/** What helpful votes add to a review. */
@Resolver(() => Review)
export class HelpfulVotesResolver {
  @FieldResolver(() => Boolean, { description: 'Whether the caller has; false without a token.' })
  viewerHasMarkedHelpful(@Root() review: Review, @Ctx() { reviews }: ReviewsContext): Promise<boolean> {
    return reviews.votes.load(review.id);
  }
}
