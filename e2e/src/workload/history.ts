/** A review as the answers told its author. */
export interface ReviewState {
  readonly id: string;
  readonly authorId: string;
  readonly rating: number;
  readonly body: string;
  readonly version: number;
  readonly status: Decision;
}

/** What a moderator can decide. */
export type Decision = 'PUBLISHED' | 'REJECTED';

/** One change that an author asks for, or others of what the author wrote. No body is used twice, so every change can be told from every other. */
export type Mutation =
  /** Some are sent again under a key, others without. */
  | {
      readonly kind: 'create';
      readonly rating: number;
      readonly body: string;
      readonly idempotencyKey: string | null;
    }
  | { readonly kind: 'update'; readonly rating: number; readonly body: string }
  | { readonly kind: 'delete' }
  /** By a moderator. */
  | { readonly kind: 'moderate'; readonly status: Decision }
  /** The author is erased, with all their reviews. */
  | { readonly kind: 'erase'; readonly reviews: 'ANONYMIZE' | 'DELETE' };

/** One author's review of one product. Only the load of that author changes it, one mutation after the other. */
export interface Slot {
  readonly subject: string;
  readonly productId: string;
  /** The result of all mutations whose outcome is known; null while there is no review. */
  review: ReviewState | null;
  /** The mutation that was sent and whose outcome is not known yet. */
  pending: Mutation | null;
  /** Count of changes known to be committed. */
  changes: number;
  /** Set once the product no longer exists. */
  gone: boolean;
}

/** One answered mutation: when it was answered, and how long its author waited, retries included. */
export interface Answer {
  readonly at: number;
  readonly ms: number;
}

/** The operations of a load and their outcomes, to be compared with PostgreSQL afterwards (Jepsen's term). */
export class History {
  readonly slots: Slot[] = [];
  readonly answers: Answer[] = [];
  /** Reviews whose authors were erased, and which stay. */
  readonly anonymized: Array<{ readonly productId: string; readonly review: ReviewState }> = [];
  /** Ids of products whose deletion was sent. */
  readonly deletedProducts = new Set<string>();
  /** Count of attempts whose outcome was unknown, and which were sent again. */
  unknownOutcomes = 0;
  /** Answers that a correct system never gives, one line each. */
  readonly violations: string[] = [];

  slot(subject: string, productId: string): Slot {
    const slot: Slot = { subject, productId, review: null, pending: null, changes: 0, gone: false };
    this.slots.push(slot);
    return slot;
  }

  /** The mutations answered between two times, in milliseconds since the epoch. */
  answered(from = 0, to = Infinity): Answer[] {
    return this.answers.filter(({ at }) => at >= from && at <= to);
  }
}
