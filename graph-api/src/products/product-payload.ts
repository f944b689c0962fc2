import { Field, ObjectType } from 'type-graphql';
import { USER_ERRORS } from '../graphql/user-error.js';
import { Product } from './product.js';
import type { ProductResult } from './product-commands.js';
import { ProductUserError, toUserError } from './product-user-error.js';

/** The fields of the payloads that answer the product. */
@ObjectType()
export abstract class ProductPayload {
  @Field(() => Product, { nullable: true, description: 'The product; null where userErrors says why.' })
  product!: Product | null;

  @Field(() => [ProductUserError], USER_ERRORS)
  userErrors!: ProductUserError[];
}

/** The payload of a command's result. */
export function toPayload(result: ProductResult): ProductPayload {
  return result.status === 'DONE'
    ? { product: result.product, userErrors: [] }
    : { product: null, userErrors: [toUserError(result.status)] };
}
