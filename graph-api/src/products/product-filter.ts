import { Field, Float, InputType, Int } from 'type-graphql';
import { badUserInput } from '../graphql/errors.js';
import { CurrencyCodeScalar, DecimalScalar } from '../graphql/scalars.js';
import { cleanText } from '../graphql/text.js';
import type { Condition } from '../pagination/filter.js';
import { ProductOrderField, type ProductOrder } from './product-order.js';
import { EXISTING_PRODUCT } from './product-row.js';

const MAX_SEARCH_LENGTH = 200;

@InputType({ description: 'From one decimal number to another.' })
export class DecimalRange {
  @Field(() => DecimalScalar, { nullable: true, description: 'This or more.' })
  gte?: string | null;

  @Field(() => DecimalScalar, { nullable: true, description: 'This or less.' })
  lte?: string | null;
}

@InputType({ description: 'Which products: those that fit every field that is given.' })
export class ProductFilter {
  @Field(() => String, {
    nullable: true,
    description:
      'With all these words in their name or description, without regard to case and accents; `or` between two words: one of them; `-` before a word: not with it. At most 200 characters. Whole words only. Blank is as if it were not given; what names no word that must occur finds nothing.',
  })
  search?: string | null;

  @Field(() => CurrencyCodeScalar, {
    nullable: true,
    description:
      'With prices in this currency. Needed for `price`, and for the order PRICE: amounts of different currencies do not compare.',
  })
  currencyCode?: string | null;

  @Field(() => DecimalRange, { nullable: true, description: 'With prices in this range. Needs `currencyCode`.' })
  price?: DecimalRange | null;

  @Field(() => Float, {
    nullable: true,
    description:
      'With an average rating of at least this, from 1 to 5; those without reviews have none. As of up to a minute ago, as the orders by rating.',
  })
  minRating?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'With at least so many counted reviews. As of up to a minute ago, as the orders by rating.',
  })
  minReviewCount?: number | null;
}

/** All products, in whatever order. */
const ALL: Condition = { text: EXISTING_PRODUCT, values: [], isIndexed: true };

/**
 * The condition on `products` that a filter means.
 * @throws BAD_USER_INPUT for a search that is too long or no text, numbers out of range, and where `currencyCode` is missing
 */
export function productCondition(filter: ProductFilter | null | undefined, order: ProductOrder): Condition {
  const { search, currencyCode, price } = filter ?? {};
  if (currencyCode == null && (price != null || order.field === ProductOrderField.PRICE)) {
    const what = price == null ? 'the order PRICE' : 'filter.price';
    throw badUserInput(
      `filter.currencyCode is needed for ${what}: amounts of different currencies do not compare`,
      'filter.currencyCode',
    );
  }
  const conditions: string[] = [EXISTING_PRODUCT];
  const values: Array<string | number> = [];
  const words = search == null ? '' : parseSearch(search);
  if (words !== '') conditions.push(`search @@ search_query($${values.push(words)}::text)`);
  if (currencyCode != null) conditions.push(`price_currency = $${values.push(currencyCode)}::text`);
  if (price?.gte != null) conditions.push(`price_amount >= $${values.push(price.gte)}::numeric`);
  if (price?.lte != null) conditions.push(`price_amount <= $${values.push(price.lte)}::numeric`);
  const rated = ratingConditions(filter ?? {}, (value, type) => `$${values.push(value)}::${type}`);
  // A semi-join by the primary key, which the planner turns around where few ratings fit.
  if (rated !== '') conditions.push(`id IN (SELECT product_id FROM product_ratings WHERE ${rated})`);
  return values.length === 0 ? ALL : { text: conditions.join(' AND '), values, isIndexed: false };
}

/**
 * The condition on `product_ratings`; empty where there is none.
 * @throws BAD_USER_INPUT for numbers out of range
 */
function ratingConditions(
  { minRating, minReviewCount }: ProductFilter,
  parameter: (value: number, type: string) => string,
): string {
  const conditions: string[] = [];
  if (minRating != null) {
    if (minRating < 1 || minRating > 5) throw badUserInput('filter.minRating must be from 1 to 5', 'filter.minRating');
    conditions.push(`average >= ${parameter(minRating, 'float8')}`);
  }
  if (minReviewCount != null) {
    if (minReviewCount < 0) {
      throw badUserInput('filter.minReviewCount must not be negative', 'filter.minReviewCount');
    }
    conditions.push(`review_count >= ${parameter(minReviewCount, 'integer')}`);
  }
  return conditions.join(' AND ');
}

/** @throws BAD_USER_INPUT for what is no text, or too long */
function parseSearch(search: string): string {
  if (search.length > 2 * MAX_SEARCH_LENGTH) throw tooLong();
  const cleaned = cleanText(search.replace(/[\r\n]/g, ' '), 'line');
  if (!cleaned.ok) throw badUserInput(`filter.search ${cleaned.problem}`, 'filter.search');
  if (Array.from(cleaned.text).length > MAX_SEARCH_LENGTH) throw tooLong();
  return cleaned.text;
}

function tooLong(): Error {
  return badUserInput(`filter.search must have at most ${MAX_SEARCH_LENGTH} characters`, 'filter.search');
}
