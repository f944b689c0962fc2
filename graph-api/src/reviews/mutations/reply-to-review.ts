import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireAdmin } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { IsText, validateInput } from '../../graphql/input-validation.js';
import { UserErrorCode } from '../../graphql/user-error.js';
import { annotationPayload, AnnotationPayload, emptyAnnotation } from '../annotation-payload.js';
import type { ReviewsContext } from '../context.js';

@InputType({ description: "The merchant's reply to a review." })
export class ReplyToReviewInput {
  @Field(() => ID, { description: 'The review, of whatever status.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'At most 10,000 characters; null takes the reply back. It must be given: an absent one is INVALID.',
  })
  @IsText({ kind: 'lines', maxLength: 10_000, nullable: true })
  body?: string | null;
}

@ObjectType({ description: 'The review with its reply, or why it is as it was.', simpleResolvers: true })
export class ReplyToReviewPayload extends AnnotationPayload {}

@Resolver()
export class ReplyToReviewResolver {
  @Mutation(() => ReplyToReviewPayload, {
    description: 'Replies to a review for the merchant, replaces the reply, or takes it back. Admins only.',
  })
  async replyToReview(
    @Arg('input', () => ReplyToReviewInput, { description: 'The reply.' }) input: ReplyToReviewInput,
    @Ctx() context: ReviewsContext,
  ): Promise<ReplyToReviewPayload> {
    const viewer = requireAdmin(context.viewer);
    const id = parseId(input.id, 'input.id');
    const problems = await validateInput(input);
    const { body } = input;
    if (body === undefined) {
      const field = ['input', 'body'];
      problems.push({ code: UserErrorCode.INVALID, message: 'body must be given: null takes the reply back', field });
    }
    if (body === undefined || problems.length > 0) return emptyAnnotation(ReplyToReviewPayload, problems);
    const result = await context.reviewAnnotations.reply(viewer, id, body, context.lifetime);
    return annotationPayload(ReplyToReviewPayload, result, context);
  }
}
