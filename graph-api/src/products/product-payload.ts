import { Field, ObjectType } from 'type-graphql';
import { UserError, USER_ERRORS } from '../graphql/user-error.js';
import { Product } from './product.js';
import type { ProductResult } from './product-commands.js';
import { toUserError } from './product-refusal.js';

/** The fields of the payloads that answer the product. */
@ObjectType()
export abstract class ProductPayload {
  @Field(() => Product, {
    nullable: true,
    description:
      'The product; null where userErrors says why, but there as it is now with VERSION_CONFLICT; null as well where it was deleted before the mutation was repeated.',
  })
  product!: Product | null;

  @Field(() => [UserError], USER_ERRORS)
  userErrors!: UserError[];
}

/** The payload of a command's result. */
export function toPayload(result: ProductResult): ProductPayload {
  const userErrors = result.status === 'DONE' || result.status === 'GONE' ? [] : [toUserError(result.status)];
  return { product: 'product' in result ? result.product : null, userErrors };
}
