import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireViewer } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { annotationPayload, AnnotationPayload } from '../annotation-payload.js';
import type { ReviewsContext } from '../context.js';

@InputType({ description: 'A vote for a review.' })
export class MarkReviewHelpfulInput {
  @Field(() => ID, { description: 'A published review of someone else.' })
  id!: string;

  @Field(() => Boolean, { description: 'Whether the caller finds it helpful: false takes the vote back.' })
  helpful!: boolean;
}

@ObjectType({ description: 'The review with its votes, or why there was none.', simpleResolvers: true })
export class MarkReviewHelpfulPayload extends AnnotationPayload {}

@Resolver()
export class MarkReviewHelpfulResolver {
  @Mutation(() => MarkReviewHelpfulPayload, {
    description: "Says that someone else's review is helpful, or takes that back. Each caller counts once.",
  })
  async markReviewHelpful(
    @Arg('input', () => MarkReviewHelpfulInput, { description: 'The vote.' }) input: MarkReviewHelpfulInput,
    @Ctx() context: ReviewsContext,
  ): Promise<MarkReviewHelpfulPayload> {
    const viewer = requireViewer(context.viewer);
    const id = parseId(input.id, 'input.id');
    const result = await context.reviewAnnotations.markHelpful(viewer, id, input.helpful, context.lifetime);
    return annotationPayload(MarkReviewHelpfulPayload, result, context);
  }
}
