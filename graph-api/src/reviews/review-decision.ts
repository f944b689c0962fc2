import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql';
import { requireAdmin } from '../auth/viewer.js';
import { DateTimeScalar } from '../graphql/scalars.js';
import { Author } from './author.js';
import type { ReviewsContext } from './context.js';
import { ReviewStatus } from './review-status.js';
import { Review } from './review.js';

@ObjectType({ description: 'A decision of a moderator about a review.', simpleResolvers: true })
export class ReviewDecision {
  /** Resolved through the loaders; null once the moderator's data was erased. */
  moderatorId!: string | null;

  @Field(() => ReviewStatus, { description: 'The status that the review had.' })
  from!: ReviewStatus;

  @Field(() => ReviewStatus, { description: 'The status that it got.' })
  to!: ReviewStatus;

  @Field(() => String, { nullable: true, description: 'Why; a rejection always has one.' })
  reason!: string | null;

  @Field(() => DateTimeScalar, { description: 'When it was decided.' })
  decidedAt!: Date;
}

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
