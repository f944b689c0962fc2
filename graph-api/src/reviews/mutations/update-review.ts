import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Field, ID, Info, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireViewer } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { asksFor } from '../../graphql/selection.js';
import { IsText, validateInput } from '../../graphql/input-validation.js';
import type { ReviewsContext } from '../context.js';
import { emptyPayload, ReviewPayload, toPayload } from '../review-payload.js';
import { IsStarRating } from '../star-rating.js';

@InputType({
  description: "Changes of the caller's own review. An absent field stays as it is; null clears what may be null.",
})
export class UpdateReviewInput {
  @Field(() => ID, { description: 'The review.' })
  id!: string;

  @Field(() => Int, { nullable: true, description: 'Refuse the change if the review has another version by now.' })
  expectedVersion?: number | null;

  @Field(() => Int, { nullable: true, description: '1 to 5 stars; must not be null.' })
  @IsStarRating()
  rating?: number | null;

  @Field(() => String, { nullable: true, description: 'At most 200 characters.' })
  @IsText({ kind: 'line', maxLength: 200, nullable: true })
  title?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters.' })
  @IsText({ kind: 'lines', maxLength: 10_000, nullable: true })
  body?: string | null;
}

@ObjectType({ description: 'The review as it is now, or why it was not changed.', simpleResolvers: true })
export class UpdateReviewPayload extends ReviewPayload {}

@Resolver()
export class UpdateReviewResolver {
  @Mutation(() => UpdateReviewPayload, { description: "Changes the caller's own review." })
  async updateReview(
    @Arg('input', () => UpdateReviewInput, { description: 'The changes.' }) input: UpdateReviewInput,
    @Ctx() context: ReviewsContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<UpdateReviewPayload> {
    const viewer = requireViewer(context.viewer);
    const id = parseId(input.id, 'input.id');
    const problems = await validateInput(input);
    if (problems.length > 0) return emptyPayload(UpdateReviewPayload, problems);
    const result = await context.reviewCommands.update(viewer, id, input, {
      withProduct: asksFor('product', info),
      lifetime: context.lifetime,
    });
    return toPayload(UpdateReviewPayload, result, context, ['input', 'id']);
  }
}
