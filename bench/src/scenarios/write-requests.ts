import type { World } from '../environment/world.js';
import type { LoadRequest } from '../load/load-plan.js';

const CREATE_REVIEW = `mutation CreateReview($input: CreateReviewInput!) {
  createReview(input: $input) {
    review { id rating author { displayName } } product { id averageRating reviewCount } ratingVersion userErrors { code field message }
  }
}`;
const CREATE_COMMON_REVIEW = `mutation CreateReview($input: CreateReviewInput!) {
  createReview(input: $input) { id rating author }
}`;

/** Authors of a round on many products; each reviews a product once. */
const AUTHORS = 64;

/** Makes createReview mutations of which each one succeeds: no author reviews a product twice. */
export class ReviewMutations {
  readonly #tokens = new Map<string, Promise<string>>();
  #generation = 0;

  constructor(private readonly world: World) {}

  /** `count` mutations, or as many as these products allow: with one product every mutation has an author of its own. */
  async next(productIds: readonly string[], count: number): Promise<LoadRequest[]> {
    this.#generation += 1;
    const prefix = `author-${this.#generation}`;
    const authors = productIds.length === 1 ? count : AUTHORS;
    const total = Math.min(count, authors * productIds.length);
    return Promise.all(
      Array.from({ length: total }, async (_, i): Promise<LoadRequest> => {
        // Neighbours have different authors and different products.
        const author = i % authors;
        const productId = productIds[(Math.floor(i / authors) + author * 31) % productIds.length]!;
        return createReview(productId, 1 + (i % 5), await this.#token(`${prefix}-${author}`));
      }),
    );
  }

  /** One mutation for each of the products, in that order. The n-th review of a product is its n-th author's. */
  async each(productIds: readonly string[]): Promise<LoadRequest[]> {
    this.#generation += 1;
    const reviews = new Map<string, number>();
    return Promise.all(
      productIds.map(async (productId, i) => {
        const nth = reviews.get(productId) ?? 0;
        reviews.set(productId, nth + 1);
        return createReview(productId, 1 + (i % 5), await this.#token(`author-${this.#generation}-${nth}`));
      }),
    );
  }

  /** @throws where the answer to a first review is not what the schema promises */
  async expectRightAnswer(url: string, productId: string): Promise<void> {
    const { body, authorization } = createReview(productId, 4, await this.#token('first'));
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: authorization ?? '' },
      body: body ?? '',
      signal: AbortSignal.timeout(30_000),
    });
    const answer = (await response.json()) as { data?: { createReview?: Record<string, unknown> } };
    const { product, ratingVersion, userErrors } = answer.data?.createReview ?? {};
    const found = JSON.stringify({ product, ratingVersion, userErrors });
    const expected = JSON.stringify({
      product: { id: productId, averageRating: 4, reviewCount: 1 },
      ratingVersion: 1,
      userErrors: [],
    });
    if (found !== expected) throw new Error(`createReview answered ${JSON.stringify(answer)}, not ${expected}`);
  }

  #token(subject: string): Promise<string> {
    let token = this.#tokens.get(subject);
    if (token === undefined) this.#tokens.set(subject, (token = this.world.token(subject)));
    return token;
  }
}

function createReview(productId: string, rating: number, token: string): LoadRequest {
  const input = {
    productId,
    rating,
    title: 'As described',
    body: 'It does what it should, and has done so for a year.',
  };
  return {
    method: 'POST',
    path: '/graphql',
    body: JSON.stringify({ query: CREATE_REVIEW, variables: { input } }),
    authorization: `Bearer ${token}`,
  };
}

/** The same reviews for the common way, whose authors are names. */
export class CommonWayMutations {
  #count = 0;

  next(productIds: readonly string[], count: number): LoadRequest[] {
    return Array.from({ length: count }, () => {
      const n = this.#count++;
      const input = {
        productId: productIds[n % productIds.length],
        author: `author-${n}`,
        rating: 1 + (n % 5),
        body: 'It does what it should, and has done so for a year.',
      };
      return {
        method: 'POST',
        path: '/graphql',
        body: JSON.stringify({ query: CREATE_COMMON_REVIEW, variables: { input } }),
      };
    });
  }
}
