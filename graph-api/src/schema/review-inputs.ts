import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { ReviewUserError } from './user-errors.js';
import { IsText, Obeys } from './validation.js';

function IsStars(): PropertyDecorator {
  return Obeys((value) => {
    if (value === undefined) return null;
    if (value === null) return { code: 'INVALID', message: 'must not be null' };
    return (value as number) >= 1 && (value as number) <= 5
      ? null
      : { code: 'OUT_OF_RANGE', message: 'must be a whole number from 1 to 5' };
  });
}

@InputType({ description: 'A new review by the caller.' })
export class CreateReviewInput {
  @Field(() => ID, { description: 'The product that is reviewed.' })
  productId!: string;

  @Field(() => Int, { description: '1 to 5 stars.' })
  @IsStars()
  rating!: number;

  @Field(() => String, { nullable: true, description: 'At most 200 characters.' })
  @IsText({ maxLength: 200, nullable: true })
  title?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters.' })
  @IsText({ maxLength: 10_000, nullable: true, multiline: true })
  body?: string | null;
}

@InputType({
  description: "Changes of the caller's own review. An absent field stays as it is; null clears what may be null.",
})
export class UpdateReviewInput {
  @Field(() => ID, { description: 'The review.' })
  id!: string;

  @Field(() => Int, { nullable: true, description: 'Refuse the change if the review has another version by now.' })
  expectedVersion?: number | null;

  @Field(() => Int, { nullable: true, description: '1 to 5 stars; must not be null.' })
  @IsStars()
  rating?: number | null;

  @Field(() => String, { nullable: true, description: 'At most 200 characters.' })
  @IsText({ maxLength: 200, nullable: true })
  title?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters.' })
  @IsText({ maxLength: 10_000, nullable: true, multiline: true })
  body?: string | null;
}

@InputType({ description: 'The review to delete.' })
export class DeleteReviewInput {
  @Field(() => ID, { description: 'The review.' })
  id!: string;
}

@ObjectType()
abstract class ReviewPayload {
  /** Resolved through the loaders, where asked for. */
  reviewId!: string | null;

  /** Resolved through the loaders, its rating from SQL. */
  productId!: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "The number of this change: what the product's rating will reach. Give it to `rating(minVersion:)` to read your own write.",
  })
  ratingVersion!: number | null;

  @Field(() => [ReviewUserError], { description: 'What the caller can mend; empty on success.' })
  userErrors!: ReviewUserError[];
}

@ObjectType({ description: 'The created review, or why there is none.', simpleResolvers: true })
export class CreateReviewPayload extends ReviewPayload {}

@ObjectType({ description: 'The review as it is now, or why it was not changed.', simpleResolvers: true })
export class UpdateReviewPayload extends ReviewPayload {}

@ObjectType({ description: 'What was deleted, or why nothing was.', simpleResolvers: true })
export class DeleteReviewPayload extends ReviewPayload {
  @Field(() => ID, { nullable: true, description: 'The review that is gone.' })
  get deletedReviewId(): string | null {
    return this.reviewId;
  }
}
