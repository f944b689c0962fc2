import { Field, InputType, registerEnumType } from 'type-graphql';
import { OrderDirection, type KeysetOrder } from '../pagination/order.js';

export enum ProductOrderField {
  CREATED_AT = 'CREATED_AT',
  NAME = 'NAME',
  PRICE = 'PRICE',
}

registerEnumType(ProductOrderField, {
  name: 'ProductOrderField',
  description: 'What products are ordered by.',
  valuesConfig: {
    CREATED_AT: { description: 'When they were created.' },
    NAME: {
      description:
        'Their names, without case and accents; letters of other alphabets than the Latin one in the order of Unicode. The same everywhere, in no language in particular.',
    },
    PRICE: { description: 'Their prices, in one currency: needs `filter.currencyCode`.' },
  },
});

@InputType({ description: 'The order of a list of products.' })
export class ProductOrder {
  @Field(() => ProductOrderField, { description: 'What they are ordered by.' })
  field!: ProductOrderField;

  @Field(() => OrderDirection, { defaultValue: OrderDirection.DESC, description: 'In which direction.' })
  direction!: OrderDirection;
}

export const NEWEST_PRODUCTS_FIRST: ProductOrder = {
  field: ProductOrderField.CREATED_AT,
  direction: OrderDirection.DESC,
};

/** Each order with its column, which ends an index of `products` together with the id. */
export const PRODUCT_ORDERS: Readonly<Record<ProductOrderField, KeysetOrder>> = {
  CREATED_AT: { name: 'CREATED_AT', column: 'created_at', type: 'timestamptz' },
  NAME: { name: 'NAME', column: 'name_key', type: 'text' },
  PRICE: { name: 'PRICE', column: 'price_amount', type: 'numeric' },
};
