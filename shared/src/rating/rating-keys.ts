import { isUuid } from '../events/uuid.js';

/** The Redis keys of one product; the only place where their names are built (a hash tag for Redis Cluster goes here). */
export interface RatingKeys {
  /** The average; public contract. */
  readonly rating: string;
  /** The number of counted reviews; public contract. */
  readonly reviewCount: string;
  /** `"<seq> <n1> <n2> <n3> <n4> <n5> <tag>"`, or `"<seq> deleted <tag>"`; ours. */
  readonly state: string;
}

export function ratingKeys(productId: string): RatingKeys {
  return {
    rating: `product:${productId}:rating`,
    reviewCount: `product:${productId}:reviewCount`,
    state: ratingStateKey(productId),
  };
}

/** `RatingKeys.state` alone, for readers. */
export function ratingStateKey(productId: string): string {
  return `product:${productId}:ratingState`;
}

/** A pattern for SCAN that every key of `ratingKeys` matches. */
export const RATING_KEY_PATTERN = 'product:*:r*';

const RATING_KEY = /^product:([^:]+):(?:rating|reviewCount|ratingState)$/;

/** The product whose key this is; null for a key that is none of ours. */
export function productIdOfRatingKey(key: string): string | null {
  const productId = RATING_KEY.exec(key)?.[1];
  return productId !== undefined && isUuid(productId) ? productId : null;
}
