import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { badUserInput } from '../graphql/errors.js';
import { parseId } from '../graphql/ids.js';
import { cleanText } from '../graphql/text.js';
import type { ProductsContext } from './context.js';
import { Product } from './product.js';

/** No longer text is anyone's externalId: 200 characters of two UTF-16 units. */
const MAX_EXTERNAL_ID_UNITS = 400;

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
    const cleaned = cleanText(externalId, 'identifier');
    if (!cleaned.ok) throw badUserInput(`externalId ${cleaned.problem}`, 'externalId');
    return cleaned.text.length > MAX_EXTERNAL_ID_UNITS ? null : products.byExternalId(cleaned.text);
  }
}
