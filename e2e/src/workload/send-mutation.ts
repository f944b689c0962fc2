import { ApiError, TransportError, type RatingsClient } from '@exact-ratings/client';
import type { Decision, Mutation, ReviewState, Slot } from './history.js';

export type MutationResult =
  /** Committed, by this attempt or an earlier one; `review` is the result, null after a deletion. */
  | { readonly kind: 'done'; readonly review: ReviewState | null }
  /** The product, and with it the review, no longer exists. */
  | { readonly kind: 'not-found' }
  /** Refused, though a correct system would not refuse this author. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly violation?: string };

/** The SDK at one API, as the author of the load and as an admin. */
export interface Callers {
  readonly author: RatingsClient;
  readonly admin: RatingsClient;
}

interface Payload {
  readonly userErrors: ReadonlyArray<{ readonly code: string; readonly message: string }>;
}

/**
 * Sends one mutation, once. Where an earlier attempt got no answer, a refusal such as ALREADY_REVIEWED or
 * VERSION_CONFLICT proves that attempt committed: only the load of this author changes this review, and an update names the
 * version that it expects. A creation under a key is answered as it was the first time. An erasure concerns all reviews of the slot's author.
 */
export async function sendMutation(
  { author, admin }: Callers,
  slot: Slot,
  mutation: Mutation,
  isRetry: boolean,
): Promise<MutationResult> {
  try {
    switch (mutation.kind) {
      case 'create':
        return await create(author, slot, mutation, isRetry);
      case 'update':
        return await update(author, slot, mutation, isRetry);
      case 'delete':
        return await remove(author, slot, isRetry);
      case 'moderate':
        return await moderate(admin, slot, mutation.status, isRetry);
      case 'erase':
        return await erase(admin, slot, mutation.reviews, isRetry);
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
  { rating, body, idempotencyKey }: Extract<Mutation, { kind: 'create' }>,
  isRetry: boolean,
): Promise<MutationResult> {
  const input = { productId: slot.productId, rating, body };
  const { createReview } = await client.CreateReview({ input, idempotencyKey });
  const code = createReview.userErrors[0]?.code;
  if (code === 'NOT_FOUND') return { kind: 'not-found' };
  const { review } = createReview;
  const isDone =
    code === undefined || (code === 'ALREADY_REVIEWED' && isRetry && idempotencyKey === null && review?.body === body);
  if (review == null || !isDone) return refused(createReview);
  if (review.body !== body) return { kind: 'refused', reason: `another review was answered, "${review.body}"` };
  if (review.author == null) return { kind: 'refused', reason: 'a review that was just written has no author' };
  const authorId = review.author.id;
  return {
    kind: 'done',
    review: { id: review.id, authorId, rating, body, version: review.version, status: 'PUBLISHED' },
  };
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
  const done: MutationResult = { kind: 'done', review: { ...slot.review!, rating, body, version: version + 1 } };
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

async function moderate(
  client: RatingsClient,
  slot: Slot,
  status: Decision,
  isRetry: boolean,
): Promise<MutationResult> {
  const { id } = slot.review!;
  const { moderateReview } = await client.ModerateReview({ input: { id, status, reason: 'The load decides.' } });
  const code = moderateReview.userErrors[0]?.code;
  if (code === 'NOT_FOUND') return { kind: 'not-found' };
  const isDone = code === undefined || (code === 'INVALID_TRANSITION' && isRetry);
  if (!isDone || moderateReview.review?.status !== status) return refused(moderateReview);
  return { kind: 'done', review: { ...slot.review!, status } };
}

async function erase(
  client: RatingsClient,
  slot: Slot,
  reviews: 'ANONYMIZE' | 'DELETE',
  isRetry: boolean,
): Promise<MutationResult> {
  const { eraseAuthor } = await client.EraseAuthor({ input: { id: slot.review!.authorId, reviews } });
  const isDone = eraseAuthor.userErrors.length === 0 || (eraseAuthor.userErrors[0]?.code === 'NOT_FOUND' && isRetry);
  return isDone ? { kind: 'done', review: null } : refused(eraseAuthor);
}

/** Neither a review nor an error means: committed, and the product deleted before the answer was read. */
function refused({ userErrors }: Payload): MutationResult {
  if (userErrors.length === 0) return { kind: 'not-found' };
  return { kind: 'refused', reason: userErrors.map(({ code, message }) => `${code}: ${message}`).join('; ') };
}
