import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Field, ID, Info, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireAdmin } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { asksFor } from '../../graphql/selection.js';
import { IsText, validateInput } from '../../graphql/input-validation.js';
import { UserErrorCode } from '../../graphql/user-error.js';
import type { ReviewsContext } from '../context.js';
import { emptyPayload, ReviewPayload, toPayload } from '../review-payload.js';
import { ReviewStatus } from '../review-status.js';

@InputType({ description: 'A decision about a review.' })
export class ModerateReviewInput {
  @Field(() => ID, { description: 'The review.' })
  id!: string;

  @Field(() => ReviewStatus, {
    description:
      'PUBLISHED or REJECTED, from whatever other status it has. Nothing else is decided: INVALID_TRANSITION.',
  })
  status!: ReviewStatus;

  @Field(() => String, {
    nullable: true,
    description:
      'Why, at most 1,000 characters. A rejection needs one, and its author reads it; that of a publication is for admins.',
  })
  @IsText({ kind: 'lines', maxLength: 1_000, nullable: true })
  reason?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'The version that was read: refuse the decision if the author has changed the review since.',
  })
  expectedVersion?: number | null;
}

@ObjectType({
  description: 'The review as it is decided, or why it was not; with INVALID_TRANSITION the review as it stands.',
  simpleResolvers: true,
})
export class ModerateReviewPayload extends ReviewPayload {}

@Resolver()
export class ModerateReviewResolver {
  @Mutation(() => ModerateReviewPayload, { description: 'Publishes or rejects a review. Admins only.' })
  async moderateReview(
    @Arg('input', () => ModerateReviewInput, { description: 'The decision.' }) input: ModerateReviewInput,
    @Ctx() context: ReviewsContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ModerateReviewPayload> {
    const viewer = requireAdmin(context.viewer);
    const id = parseId(input.id, 'input.id');
    const problems = await validateInput(input);
    if (input.status === ReviewStatus.REJECTED && input.reason == null) {
      const field = ['input', 'reason'];
      problems.push({
        code: UserErrorCode.BLANK,
        message: 'a rejection needs a reason: its author reads it',
        field,
      });
    }
    if (problems.length > 0) return emptyPayload(ModerateReviewPayload, problems);
    const result = await context.reviewCommands.moderate(viewer, id, input, {
      withProduct: asksFor('product', info),
      lifetime: context.lifetime,
    });
    return toPayload(ModerateReviewPayload, result, context, ['input', 'id']);
  }
}
