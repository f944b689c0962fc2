/** The Redis keys of one product; the only place where their names are built (a hash tag for Redis Cluster goes here). */
export interface RatingKeys {
  /** The average; public contract. */
  readonly rating: string;
  /** The number of counted reviews; public contract. */
  readonly reviewCount: string;
  /** `"<seq> <n1> <n2> <n3> <n4> <n5>"`, or `"<seq> deleted"`; ours. */
  readonly state: string;
}

export function ratingKeys(productId: string): RatingKeys {
  return {
    rating: `product:${productId}:rating`,
    reviewCount: `product:${productId}:reviewCount`,
    state: `product:${productId}:ratingState`,
  };
}

