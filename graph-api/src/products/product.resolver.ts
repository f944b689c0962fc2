import { Arg, Ctx, ID, Int, Query, Resolver } from 'type-graphql';
import { badUserInput } from '../graphql/errors.js';
import { parseEach, parseId } from '../graphql/ids.js';
import { cleanText } from '../graphql/text.js';
import type { ProductsContext } from './context.js';
import { Product } from './product.js';

/** No longer text is anyone's externalId: 200 characters of two UTF-16 units. */
const MAX_EXTERNAL_ID_UNITS = 400;

const MIN_RATING_VERSION = {
  nullable: true,
  description:
    "A `ratingVersion` of a mutation's payload: all ratings of this product in the answer hold at least that change.",
} as const;

@Resolver(() => Product)
export class ProductResolver {
  @Query(() => Product, { nullable: true, description: 'The product with this id; null where there is none.' })
  product(
    @Arg('id', () => ID, { description: 'The id of a product.' }) id: string,
    @Arg('minRatingVersion', () => Int, MIN_RATING_VERSION) minRatingVersion: number | null | undefined,
    @Ctx() { products, requireRating }: ProductsContext,
  ): Promise<Product | null> {
    const productId = parseId(id, 'id');
    const version = parseRatingVersion(minRatingVersion);
    if (version !== null) requireRating(productId, version);
    return products.byId.load(productId);
  }

  @Query(() => Product, { nullable: true, description: 'The product with this externalId; null where there is none.' })
  async productByExternalId(
    @Arg('externalId', () => String, { description: "The product's id in the shop's own system." }) externalId: string,
    @Arg('minRatingVersion', () => Int, MIN_RATING_VERSION) minRatingVersion: number | null | undefined,
    @Ctx() { products, requireRating }: ProductsContext,
  ): Promise<Product | null> {
    const key = parseExternalId(externalId, 'externalId');
    const version = parseRatingVersion(minRatingVersion);
    if (key === null) return null;
    if (version !== null) requireRating(products.idByExternalId(key), version);
    return (await products.byExternalIds([key]))[0]!;
  }

  @Query(() => [Product], {
    nullable: 'items',
    description: 'The products with these externalIds, in their order, null where there is none.',
  })
  productsByExternalIds(
    @Arg('externalIds', () => [String], { description: "At most 100 ids of products in the shop's own system." })
    externalIds: string[],
    @Ctx() { products }: ProductsContext,
  ): Promise<Array<Product | null>> {
    return products.byExternalIds(parseEach(externalIds, 'externalIds', parseExternalId));
  }
}

/** @throws BAD_USER_INPUT where the version is negative */
function parseRatingVersion(version: number | null | undefined): number | null {
  if (version != null && version < 0) throw badUserInput('minRatingVersion must not be negative', 'minRatingVersion');
  return version ?? null;
}

/**
 * The externalId as it is stored; null where no product can have it.
 * @throws BAD_USER_INPUT for what is no text
 */
function parseExternalId(externalId: string, argument: string): string | null {
  const cleaned = cleanText(externalId, 'identifier');
  if (!cleaned.ok) throw badUserInput(`${argument} ${cleaned.problem}`, argument);
  return cleaned.text.length > MAX_EXTERNAL_ID_UNITS ? null : cleaned.text;
}
