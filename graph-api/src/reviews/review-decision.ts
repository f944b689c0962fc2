import { Field, ObjectType } from 'type-graphql';
import { DateTimeScalar } from '../graphql/scalars.js';
import { ReviewStatus } from './review-status.js';

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
