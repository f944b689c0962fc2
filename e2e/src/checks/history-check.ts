import type { Testbed } from '../testbed.js';
import type { History, Mutation, ReviewState, Slot } from '../workload/history.js';

interface ReviewRow {
  readonly id: string;
  readonly product_id: string;
  readonly subject: string | null;
  readonly rating: number;
  readonly body: string;
  readonly version: number;
  readonly status: string;
}

export interface HistoryCheckOptions {
  /**
   * Also compare each product's sequence number with the count of acknowledged changes. False where others have changed
   * reviews of these products too, or PostgreSQL was restored from a backup.
   */
  readonly sequencesToo?: boolean;
}

/**
 * Checks that PostgreSQL holds every acknowledged mutation exactly once. A review's version counts its changes, and its
 * product's sequence number counts those of all its reviews, so a lost or a doubled change shows.
 * @param histories of every load that wrote to these products
 * @returns one line a violation
 */
export async function checkHistories(
  bed: Testbed,
  histories: readonly History[],
  { sequencesToo = true }: HistoryCheckOptions = {},
): Promise<string[]> {
  const violations: string[] = [];
  for (const history of histories) violations.push(...history.violations, ...(await checkReviews(bed, history)));
  if (sequencesToo) violations.push(...(await checkSequences(bed, histories)));
  return violations;
}

async function checkReviews(bed: Testbed, history: History): Promise<string[]> {
  const subjects = [...new Set(history.slots.map(({ subject }) => subject))];
  const anonymized = history.anonymized.filter(({ productId }) => !history.deletedProducts.has(productId));
  const { rows } = await bed.pool.query<ReviewRow>(
    `SELECT r.id, r.product_id, a.subject, r.rating, r.body, r.version, r.status
       FROM reviews r LEFT JOIN authors a ON a.id = r.author_id WHERE a.subject = ANY ($1) OR r.id = ANY ($2)`,
    [subjects, anonymized.map(({ review }) => review.id)],
  );
  const reviews = new Map(rows.map((row) => [keyOf(row), row]));
  const violations: string[] = [];
  for (const slot of history.slots) {
    const key = `${slot.subject} ${slot.productId}`;
    const row = reviews.get(key);
    reviews.delete(key);
    const possible = history.deletedProducts.has(slot.productId) ? [null] : possibleStates(slot);
    if (!possible.some((state) => isSame(state, row))) {
      const acknowledged = possible.map(formatReview).join(' or ');
      violations.push(`lost write: ${key}: PostgreSQL holds ${formatReview(row)}, acknowledged was ${acknowledged}`);
    }
  }
  for (const { review } of anonymized) {
    const key = `anonymous ${review.id}`;
    const row = reviews.get(key);
    reviews.delete(key);
    if (!isSame(review, row)) {
      violations.push(`lost write: ${key}: PostgreSQL holds ${formatReview(row)}, erased was ${formatReview(review)}`);
    }
  }
  for (const [key, row] of reviews) {
    violations.push(`lost write: ${key}: PostgreSQL holds ${formatReview(row)}, which nobody wrote`);
  }
  return violations;
}

const keyOf = ({ subject, product_id, id }: ReviewRow): string =>
  subject === null ? `anonymous ${id}` : `${subject} ${product_id}`;

async function checkSequences(bed: Testbed, histories: readonly History[]): Promise<string[]> {
  const least = new Map<string, number>();
  const pending = new Map<string, number>();
  for (const { productId, changes, pending: open } of histories.flatMap(({ slots }) => slots)) {
    least.set(productId, (least.get(productId) ?? 0) + changes);
    if (open !== null) pending.set(productId, (pending.get(productId) ?? 0) + 1);
  }
  const { rows } = await bed.pool.query<{ product_id: string; last_seq: number }>(
    'SELECT product_id, last_seq FROM review_streams WHERE product_id = ANY ($1)',
    [[...least.keys()]],
  );
  const sequences = new Map(rows.map((row) => [row.product_id, row.last_seq]));
  const deleted = new Set(histories.flatMap(({ deletedProducts }) => [...deletedProducts]));
  const violations: string[] = [];
  for (const [productId, changes] of least) {
    const seq = sequences.get(productId);
    if (seq === undefined) {
      if (!deleted.has(productId)) violations.push(`lost write: the product ${productId} is gone`);
    } else if (seq < changes || seq > changes + (pending.get(productId) ?? 0)) {
      violations.push(`lost write: ${productId} has sequence number ${seq} after ${changes} acknowledged changes`);
    }
  }
  return violations;
}

/** The states that PostgreSQL may hold: before and after a mutation whose outcome is unknown, else one. */
function possibleStates({ review, pending }: Slot): Array<Partial<ReviewState> | null> {
  return pending === null ? [review] : [review, after(review, pending)];
}

function after(review: ReviewState | null, mutation: Mutation): Partial<ReviewState> | null {
  switch (mutation.kind) {
    case 'delete':
    case 'erase':
      return null;
    case 'moderate':
      return { ...review, status: mutation.status };
    case 'create':
    case 'update': {
      const { rating, body } = mutation;
      return review === null ? { rating, body, version: 1 } : { ...review, rating, body, version: review.version + 1 };
    }
  }
}

function isSame(state: Partial<ReviewState> | null, row: ReviewRow | undefined): boolean {
  if (state === null || row === undefined) return state === null && row === undefined;
  return (
    (state.id === undefined || state.id === row.id) &&
    state.rating === row.rating &&
    state.body === row.body &&
    state.version === row.version &&
    (state.status === undefined || state.status === row.status)
  );
}

function formatReview(state: Partial<ReviewState> | ReviewRow | null | undefined): string {
  return state == null
    ? 'nothing'
    : `${state.rating} stars, version ${state.version}, ${state.status}, "${state.body}"`;
}
