import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { requireAdmin } from '../auth/viewer.js';
import { Author } from './author.js';
import type { ReviewsContext } from './context.js';
import { ReviewDecision } from './review-decision.js';
import { Review } from './review.js';

/** What moderation adds to a review. */
@Resolver(() => Review)
export class ReviewDecisionsResolver {
  @FieldResolver(() => [ReviewDecision], {
    nullable: true,
    description: 'The last 20 decisions of moderators about it, newest first. Admins only.',
  })
  async decisions(@Root() review: Review, @Ctx() { viewer, reviews }: ReviewsContext): Promise<ReviewDecision[]> {
    requireAdmin(viewer);
    return reviews.decisions.load(review.id);
  }
}

@Resolver(() => ReviewDecision)
export class ReviewDecisionResolver {
  @FieldResolver(() => Author, { nullable: true, description: "Who decided; null once that person's data was erased." })
  async moderator(@Root() { moderatorId }: ReviewDecision, @Ctx() { reviews }: ReviewsContext): Promise<Author | null> {
    return moderatorId === null ? null : reviews.authors.load(moderatorId);
  }
}
