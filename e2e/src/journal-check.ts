import type { Journal, Mutation, ReviewState, Slot } from './journal.js';
import type { Testbed } from './testbed.js';

interface ReviewRow {
  readonly id: string;
  readonly product_id: string;
  readonly subject: string;
  readonly rating: number;
  readonly body: string;
  readonly version: number;
}

export interface JournalCheckOptions {
  /** Others have changed reviews of these products too, or SQL was put back: the numbers say nothing. */
  readonly numbersToo?: boolean;
}

/**
 * L: every acknowledged mutation is in SQL exactly once. A review's version counts its changes, and its product's number
 * counts those of all reviews, so a lost or a doubled one shows. The journals of all that wrote to these products.
 * @returns a line for each violation.
 */
export async function checkJournals(
  bed: Testbed,
  journals: readonly Journal[],
  { numbersToo = true }: JournalCheckOptions = {},
): Promise<string[]> {
  const violations: string[] = [];
  for (const journal of journals) violations.push(...journal.violations, ...(await checkReviews(bed, journal)));
  if (numbersToo) violations.push(...(await checkNumbers(bed, journals)));
  return violations;
}

async function checkReviews(bed: Testbed, journal: Journal): Promise<string[]> {
  const subjects = [...new Set(journal.slots.map(({ subject }) => subject))];
  const { rows } = await bed.pool.query<ReviewRow>(
    `SELECT r.id, r.product_id, a.subject, r.rating, r.body, r.version
       FROM reviews r JOIN authors a ON a.id = r.author_id WHERE a.subject = ANY ($1)`,
    [subjects],
  );
  const reviews = new Map(rows.map((row) => [`${row.subject} ${row.product_id}`, row]));
  const violations: string[] = [];
  for (const slot of journal.slots) {
    const key = `${slot.subject} ${slot.productId}`;
    const row = reviews.get(key);
    reviews.delete(key);
    const possible = journal.deletedProducts.has(slot.productId) ? [null] : possibleStates(slot);
    if (!possible.some((state) => isSame(state, row))) {
      violations.push(`L: ${key}: SQL holds ${show(row)}, acknowledged was ${possible.map(show).join(' or ')}`);
    }
  }
  for (const [key, row] of reviews) violations.push(`L: ${key}: SQL holds ${show(row)}, which nobody wrote`);
  return violations;
}

async function checkNumbers(bed: Testbed, journals: readonly Journal[]): Promise<string[]> {
  const least = new Map<string, number>();
  const pending = new Map<string, number>();
  for (const { productId, changes, pending: open } of journals.flatMap(({ slots }) => slots)) {
    least.set(productId, (least.get(productId) ?? 0) + changes);
    if (open !== null) pending.set(productId, (pending.get(productId) ?? 0) + 1);
  }
  const { rows } = await bed.pool.query<{ product_id: string; last_seq: number }>(
    'SELECT product_id, last_seq FROM review_streams WHERE product_id = ANY ($1)',
    [[...least.keys()]],
  );
  const numbers = new Map(rows.map((row) => [row.product_id, row.last_seq]));
  const deleted = new Set(journals.flatMap(({ deletedProducts }) => [...deletedProducts]));
  const violations: string[] = [];
  for (const [productId, changes] of least) {
    const number = numbers.get(productId);
    if (number === undefined) {
      if (!deleted.has(productId)) violations.push(`L: the product ${productId} is gone`);
    } else if (number < changes || number > changes + (pending.get(productId) ?? 0)) {
      violations.push(`L: ${productId} has number ${number} after ${changes} acknowledged changes`);
    }
  }
  return violations;
}

/** What SQL may hold: where a mutation's outcome is not known, the state before it and the one after it. */
function possibleStates({ review, pending }: Slot): Array<Partial<ReviewState> | null> {
  return pending === null ? [review] : [review, after(review, pending)];
}

function after(review: ReviewState | null, mutation: Mutation): Partial<ReviewState> | null {
  if (mutation.kind === 'delete') return null;
  const { rating, body } = mutation;
  return review === null ? { rating, body, version: 1 } : { ...review, rating, body, version: review.version + 1 };
}

function isSame(state: Partial<ReviewState> | null, row: ReviewRow | undefined): boolean {
  if (state === null || row === undefined) return state === null && row === undefined;
  return (
    (state.id === undefined || state.id === row.id) &&
    state.rating === row.rating &&
    state.body === row.body &&
    state.version === row.version
  );
}

function show(state: Partial<ReviewState> | null | undefined): string {
  return state == null ? 'nothing' : `${state.rating} stars, version ${state.version}, "${state.body}"`;
}
