import { Arg, Ctx, Field, ID, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql';
import { requireAdmin } from '../../auth/viewer.js';
import { parseId } from '../../graphql/ids.js';
import { UserError, USER_ERRORS } from '../../graphql/user-error.js';
import type { ProductsContext } from '../context.js';
import { toUserError } from '../product-refusal.js';

@InputType({ description: 'The product to delete.' })
export class DeleteProductInput {
  @Field(() => ID, { description: 'The product.' })
  id!: string;

  @Field(() => Int, { nullable: true, description: 'Refuse the deletion if the product has another version by now.' })
  expectedVersion?: number | null;
}

@ObjectType({ description: 'What was deleted, or why nothing was.', simpleResolvers: true })
export class DeleteProductPayload {
  @Field(() => ID, { nullable: true, description: 'The product that is gone, with its reviews.' })
  deletedProductId!: string | null;

  @Field(() => [UserError], USER_ERRORS)
  userErrors!: UserError[];
}

@Resolver()
export class DeleteProductResolver {
  @Mutation(() => DeleteProductPayload, { description: 'Deletes a product and its reviews (admin).' })
  async deleteProduct(
    @Arg('input', () => DeleteProductInput, { description: 'The product.' }) input: DeleteProductInput,
    @Ctx() { viewer, products, productCommands, productDeleted, lifetime }: ProductsContext,
  ): Promise<DeleteProductPayload> {
    requireAdmin(viewer);
    const id = parseId(input.id, 'input.id');
    const outcome = await productCommands.delete(id, input.expectedVersion ?? null, lifetime);
    products.clear(id);
    if (outcome !== 'VERSION_CONFLICT') productDeleted(id);
    return outcome === 'DELETED'
      ? { deletedProductId: id, userErrors: [] }
      : { deletedProductId: null, userErrors: [toUserError(outcome)] };
  }
}
