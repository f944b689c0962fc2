import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Field, ID, Info, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireViewer } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { asksFor } from '../../graphql/selection.js';
import type { ReviewsContext } from '../context.js';
import { ReviewChangePayload, toPayload } from '../review-payload.js';

@InputType({ description: 'The review to delete.' })
export class DeleteReviewInput {
  @Field(() => ID, { description: 'The review.' })
  id!: string;

  @Field(() => Int, {
    nullable: true,
    description: 'Refuse the deletion if the author has changed the review since this version.',
  })
  expectedVersion?: number | null;
}

@ObjectType({ description: 'What was deleted, or why nothing was.', simpleResolvers: true })
export class DeleteReviewPayload extends ReviewChangePayload {
  @Field(() => ID, { nullable: true, description: 'The review that is gone.' })
  get deletedReviewId(): string | null {
    return this.userErrors.length === 0 ? this.reviewId : null;
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
    const result = await context.reviewCommands.delete(viewer, id, input.expectedVersion ?? null, {
      withProduct: asksFor('product', info),
      lifetime: context.lifetime,
    });
    return toPayload(DeleteReviewPayload, result, context, ['input', 'id']);
  }
}
