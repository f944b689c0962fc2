import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireAdmin } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { annotationPayload, AnnotationPayload } from '../annotation-payload.js';
import type { ReviewsContext } from '../context.js';

@InputType({ description: 'Whether the author of a review bought the product.' })
export class SetVerifiedPurchaseInput {
  @Field(() => ID, { description: 'The review.' })
  id!: string;

  @Field(() => Boolean, { description: 'Whether they did.' })
  verifiedPurchase!: boolean;
}

@ObjectType({ description: 'The review, or why it is as it was.', simpleResolvers: true })
export class SetVerifiedPurchasePayload extends AnnotationPayload {}

@Resolver()
export class SetVerifiedPurchaseResolver {
  @Mutation(() => SetVerifiedPurchasePayload, {
    description: 'Says whether the author of a review bought the product. Admins only.',
  })
  async setVerifiedPurchase(
    @Arg('input', () => SetVerifiedPurchaseInput, { description: 'The purchase.' }) input: SetVerifiedPurchaseInput,
    @Ctx() context: ReviewsContext,
  ): Promise<SetVerifiedPurchasePayload> {
    requireAdmin(context.viewer);
    const id = parseId(input.id, 'input.id');
    const result = await context.reviewAnnotations.setVerifiedPurchase(id, input.verifiedPurchase, context.lifetime);
    return annotationPayload(SetVerifiedPurchasePayload, result, context);
  }
}
