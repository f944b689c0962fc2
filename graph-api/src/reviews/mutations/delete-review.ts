import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Field, ID, Info, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireViewer } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { asksFor } from '../../graphql/selection.js';
import type { ReviewsContext } from '../context.js';
import { ReviewChangePayload, toPayload } from '../review-payload.js';

@InputType({ description: 'The review to delete.' })
export class DeleteReviewInput {
  @Field(() => ID, { description: 'The review.' })
  id!: string;
}

@ObjectType({ description: 'What was deleted, or why nothing was.', simpleResolvers: true })
export class DeleteReviewPayload extends ReviewChangePayload {
  @Field(() => ID, { nullable: true, description: 'The review that is gone.' })
  get deletedReviewId(): string | null {
    return this.reviewId;
  }
}

@Resolver()
export class DeleteReviewResolver {
  @Mutation(() => DeleteReviewPayload, { description: "Deletes the caller's own review; an admin may delete any." })
  async deleteReview(
    @Arg('input', () => DeleteReviewInput, { description: 'The review.' }) input: DeleteReviewInput,
    @Ctx() context: ReviewsContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<DeleteReviewPayload> {
    const viewer = requireViewer(context.viewer);
    const id = parseId(input.id, 'input.id');
    const result = await context.reviewCommands.delete(viewer, id, {
      withProduct: asksFor('product', info),
      lifetime: context.lifetime,
    });
    return toPayload(DeleteReviewPayload, result, context, ['input', 'id']);
  }
}
