import { ApiError, TransportError, type RatingsClient } from '@exact-ratings/client';
import type { Mutation, ReviewState, Slot } from './history.js';

export type MutationResult =
  /** Committed, by this attempt or an earlier one; `review` is the result, null after a deletion. */
  | { readonly kind: 'done'; readonly review: ReviewState | null }
  /** The product, and with it the review, no longer exists. */
  | { readonly kind: 'not-found' }
  /** Refused, though a correct system would not refuse this author. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly violation?: string };

interface Payload {
  readonly userErrors: ReadonlyArray<{ readonly code: string; readonly message: string }>;
}

/**
 * Sends one mutation, once. Where an earlier attempt got no answer, a refusal such as ALREADY_REVIEWED or
 * VERSION_CONFLICT proves that attempt committed: only this author changes this review, and an update names the version
 * that it expects.
 */
export async function sendMutation(
  client: RatingsClient,
  slot: Slot,
  mutation: Mutation,
  isRetry: boolean,
): Promise<MutationResult> {
  try {
    switch (mutation.kind) {
      case 'create':
        return await create(client, slot, mutation, isRetry);
      case 'update':
        return await update(client, slot, mutation, isRetry);
      case 'delete':
        return await remove(client, slot, isRetry);
    }
  } catch (error) {
    if (error instanceof TransportError) return { kind: 'unknown' };
    if (error instanceof ApiError && error.retryable) return { kind: 'unknown' };
    return { kind: 'unknown', violation: `${mutation.kind} answered ${String(error)}` };
  }
}

async function create(
  client: RatingsClient,
  slot: Slot,
  { rating, body }: Extract<Mutation, { kind: 'create' }>,
  isRetry: boolean,
): Promise<MutationResult> {
  const { createReview } = await client.CreateReview({ input: { productId: slot.productId, rating, body } });
  const code = createReview.userErrors[0]?.code;
  if (code === 'NOT_FOUND') return { kind: 'not-found' };
  if (code === 'ALREADY_REVIEWED' && isRetry) {
    const id = await ownReview(client, slot.productId, body);
    if (id === null) return { kind: 'refused', reason: 'ALREADY_REVIEWED, but the review is not there' };
    return { kind: 'done', review: { id, rating, body, version: 1 } };
  }
  const review = createReview.review;
  if (review == null) return refused(createReview);
  return { kind: 'done', review: { id: review.id, rating, body, version: review.version } };
}

async function update(
  client: RatingsClient,
  slot: Slot,
  { rating, body }: Extract<Mutation, { kind: 'update' }>,
  isRetry: boolean,
): Promise<MutationResult> {
  const { id, version } = slot.review!;
  const { updateReview } = await client.UpdateReview({ input: { id, rating, body, expectedVersion: version } });
  const code = updateReview.userErrors[0]?.code;
  if (code === 'NOT_FOUND') return { kind: 'not-found' };
  const done: MutationResult = { kind: 'done', review: { id, rating, body, version: version + 1 } };
  if (code === 'VERSION_CONFLICT' && isRetry) return done;
  if (updateReview.review == null) return refused(updateReview);
  return updateReview.review.version === version + 1
    ? done
    : { kind: 'refused', reason: `version ${updateReview.review.version} follows ${version}` };
}

async function remove(client: RatingsClient, slot: Slot, isRetry: boolean): Promise<MutationResult> {
  const { deleteReview } = await client.DeleteReview({ input: { id: slot.review!.id } });
  const code = deleteReview.userErrors[0]?.code;
  if (code === 'NOT_FOUND') {
    if (!isRetry) return { kind: 'not-found' };
    const { product } = await client.Product({ id: slot.productId });
    return product == null ? { kind: 'not-found' } : { kind: 'done', review: null };
  }
  return deleteReview.deletedReviewId == null ? refused(deleteReview) : { kind: 'done', review: null };
}

/** Id of the review of this product with this body; bodies are never used twice. */
async function ownReview(client: RatingsClient, productId: string, body: string): Promise<string | null> {
  let after: string | null = null;
  do {
    const { product } = await client.ProductReviews({ id: productId, first: 100, after });
    if (product == null) return null;
    const { nodes, pageInfo } = product.reviews as {
      nodes: Array<{ id: string; body?: string | null }>;
      pageInfo: { hasNextPage: boolean; endCursor?: string | null };
    };
    const found = nodes.find((review) => review.body === body);
    if (found !== undefined) return found.id;
    after = pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null;
  } while (after !== null);
  return null;
}

/** Neither a review nor an error means: committed, and the product deleted before the answer was read. */
function refused({ userErrors }: Payload): MutationResult {
  if (userErrors.length === 0) return { kind: 'not-found' };
  return { kind: 'refused', reason: userErrors.map(({ code, message }) => `${code}: ${message}`).join('; ') };
}
