import { Field, InputType, registerEnumType } from 'type-graphql';
import { OrderDirection, type KeysetOrder } from '../pagination/order.js';

export enum ProductOrderField {
  CREATED_AT = 'CREATED_AT',
  NAME = 'NAME',
  PRICE = 'PRICE',
  AVERAGE_RATING = 'AVERAGE_RATING',
  WEIGHTED_RATING = 'WEIGHTED_RATING',
  REVIEW_COUNT = 'REVIEW_COUNT',
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
    AVERAGE_RATING: {
      description:
        'Their average ratings; those without reviews are below all others. As of up to a minute ago: the ratings that are shown may be newer.',
    },
    WEIGHTED_RATING: {
      description:
        'Their weighted ratings, the order for "best rated": a product with one review of 5 stars does not come first. Those without reviews are below all others. As of up to a minute ago.',
    },
    REVIEW_COUNT: { description: 'The numbers of their counted reviews. As of up to a minute ago.' },
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

const RATED = { join: 'JOIN product_ratings ON product_id = products.id', id: 'product_id' };

/** Each order with its column, which ends an index together with the product's id. */
export const PRODUCT_ORDERS: Readonly<Record<ProductOrderField, KeysetOrder>> = {
  CREATED_AT: { name: 'CREATED_AT', column: 'created_at', type: 'timestamptz' },
  NAME: { name: 'NAME', column: 'name_key', type: 'text' },
  PRICE: { name: 'PRICE', column: 'price_amount', type: 'numeric' },
  AVERAGE_RATING: { name: 'AVERAGE_RATING', column: 'average', type: 'float8', beside: RATED },
  WEIGHTED_RATING: { name: 'WEIGHTED_RATING', column: 'weighted', type: 'float8', beside: RATED },
  REVIEW_COUNT: { name: 'REVIEW_COUNT', column: 'review_count', type: 'integer', beside: RATED },
};
