/** A review as its author knows it. */
export interface ReviewState {
  readonly id: string;
  readonly rating: number;
  readonly body: string;
  readonly version: number;
}

/** One change that an author asks for. The body is different each time, so every change is told from every other. */
export type Mutation =
  | { readonly kind: 'create'; readonly rating: number; readonly body: string }
  | { readonly kind: 'update'; readonly rating: number; readonly body: string }
  | { readonly kind: 'delete' };

/** The place of one author's review of one product; its author alone changes it, one mutation after the other. */
export interface Slot {
  readonly subject: string;
  readonly productId: string;
  /** What every mutation whose outcome is known has made of it. */
  review: ReviewState | null;
  /** A mutation that was sent and whose outcome nobody knows yet. */
  pending: Mutation | null;
  /** How many committed changes are known. */
  changes: number;
  /** Its product was found to be gone. */
  gone: boolean;
}

/** One mutation that was answered: when, and how long its author waited, retries included. */
export interface Answer {
  readonly at: number;
  readonly ms: number;
}

/** Everything that a load has been told, for whoever compares it with SQL. */
export class Journal {
  readonly slots: Slot[] = [];
  readonly answers: Answer[] = [];
  /** Products whose deletion was sent. */
  readonly deletedProducts = new Set<string>();
  /** Attempts whose outcome was not known, and which were tried again. */
  unknownOutcomes = 0;
  /** Answers that a correct system never gives. */
  readonly violations: string[] = [];

  slot(subject: string, productId: string): Slot {
    const slot: Slot = { subject, productId, review: null, pending: null, changes: 0, gone: false };
    this.slots.push(slot);
    return slot;
  }

  /** Mutations answered in a span of time. */
  answered(from = 0, to = Infinity): Answer[] {
    return this.answers.filter(({ at }) => at >= from && at <= to);
  }
}
