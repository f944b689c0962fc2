import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { badUserInput } from '../graphql/errors.js';
import { parseId } from '../graphql/ids.js';
import type { ProductsContext } from './context.js';
import { Product } from './product.js';

const MAX_EXTERNAL_ID_LENGTH = 200;

@Resolver(() => Product)
export class ProductResolver {
  @Query(() => Product, { nullable: true, description: 'The product with this id; null where there is none.' })
  product(
    @Arg('id', () => ID, { description: 'The id of a product.' }) id: string,
    @Ctx() { products }: ProductsContext,
  ): Promise<Product | null> {
    return products.byId.load(parseId(id, 'id'));
  }

  @Query(() => Product, { nullable: true, description: 'The product with this externalId; null where there is none.' })
  async productByExternalId(
    @Arg('externalId', () => String, { description: "The product's id in the shop's own system." }) externalId: string,
    @Ctx() { products }: ProductsContext,
  ): Promise<Product | null> {
    if (!externalId.isWellFormed() || externalId.includes('\0')) {
      throw badUserInput('externalId holds characters that no id has', 'externalId');
    }
    return externalId.length > MAX_EXTERNAL_ID_LENGTH * 2 ? null : products.byExternalId(externalId);
  }
}
