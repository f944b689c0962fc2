import { Field, InputType, registerEnumType } from 'type-graphql';
import { OrderDirection, type KeysetOrder } from '../pagination/order.js';

export enum ReviewOrderField {
  CREATED_AT = 'CREATED_AT',
  RATING = 'RATING',
  HELPFUL_COUNT = 'HELPFUL_COUNT',
}

registerEnumType(ReviewOrderField, {
  name: 'ReviewOrderField',
  description: 'What reviews are ordered by.',
  valuesConfig: {
    CREATED_AT: { description: 'When they were written.' },
    RATING: { description: 'Their stars.' },
    HELPFUL_COUNT: {
      description: 'How many people found them helpful; of those with as many, when they were written.',
    },
  },
});

@InputType({ description: 'The order of a list of reviews.' })
export class ReviewOrder {
  @Field(() => ReviewOrderField, { description: 'What they are ordered by.' })
  field!: ReviewOrderField;

  @Field(() => OrderDirection, { defaultValue: OrderDirection.DESC, description: 'In which direction.' })
  direction!: OrderDirection;
}

const NEWEST_REVIEWS_FIRST: ReviewOrder = { field: ReviewOrderField.CREATED_AT, direction: OrderDirection.DESC };

/** The argument `orderBy` of every list of reviews. */
export const REVIEW_ORDER_ARGUMENT = {
  defaultValue: NEWEST_REVIEWS_FIRST,
  description: 'In which order: newest first where it is not given.',
};

/** Each order with its column, which ends an index together with the review's id, also behind the product's id. */
export const REVIEW_ORDERS: Readonly<Record<ReviewOrderField, KeysetOrder>> = {
  CREATED_AT: { name: 'CREATED_AT', column: 'created_at', type: 'timestamptz' },
  RATING: { name: 'RATING', column: 'rating', type: 'integer' },
  HELPFUL_COUNT: {
    name: 'HELPFUL_COUNT',
    column: 'helpful_count',
    type: 'integer',
    beside: {
      join: 'JOIN review_vote_counts ON review_id = reviews.id',
      id: 'review_id',
      parent: 'of_product_id',
    },
  },
};
