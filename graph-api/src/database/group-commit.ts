import type { Lifetime } from './lifetime.js';

/** What a batch may wait for. `nothing`: changes of any keys. `key`: changes of one key. `everything`: a single change. */
export type WaitFor = 'nothing' | 'key' | 'everything';

/** The outcome of a change that was not made, since what it concerns is locked and its batch does not wait for that. */
export const BUSY = Symbol('busy');

export interface GroupCommitOptions<Change, Outcome> {
  /** What changes contend for, such as the product's id. */
  readonly keyOf: (change: Change) => string;
  /**
   * Makes changes in one transaction; answers their outcomes in their order. It must be safe to run twice with the
   * same changes. Rejects where none of them was made, or where that is unknown.
   * @param begin to be called as the last thing before the transaction begins: answers the changes that are still wanted
   */
  readonly commit: (begin: () => readonly Change[], waitFor: WaitFor) => Promise<ReadonlyArray<Outcome | typeof BUSY>>;
  /** Whether the transaction was refused and is undone; else nobody knows whether it was committed. */
  readonly isRefusal: (error: unknown) => boolean;
  /** Whether a refusal means that the lock of the batch's key did not come in time. */
  readonly isLockTimeout: (error: unknown) => boolean;
  /** The error of a change that was too much, or whose lock did not come. */
  readonly unavailable: () => Error;
  /** Most changes of one transaction. */
  readonly maxBatch: number;
  /** Changes beyond this number are refused until others have ended. */
  readonly maxPending: number;
}

interface Entry<Change, Outcome> {
  readonly change: Change;
  readonly lifetime: Lifetime;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** How many transactions that wait for locks run at a time. */
const MAX_WAITING_BATCHES = 2;

/** How often a single change is tried whose locks were taken by others between two looks. */
const MAX_ATTEMPTS_ALONE = 3;

/**
 * Group commit: while a transaction is under way, the changes that arrive gather, and go together as the next one. Nobody
 * waits for company: the first change goes at once, alone.
 *
 * Each change has the outcome that it would have alone. What is locked does not hold up the rest: its changes leave the
 * batch and wait in a lane of their own, by key. A batch that is refused is tried again one by one. A batch whose commit
 * is unknown is sent once more as it was.
 *
 * A change whose caller has given up is not begun.
 */
export class GroupCommit<Change, Outcome> {
  private pending = 0;
  private next: Array<Entry<Change, Outcome>> = [];
  private isCommitting = false;
  /** What waits for locks: by key, or alone under a symbol; in the order of arrival. */
  private readonly waiting = new Map<string | symbol, Array<Entry<Change, Outcome>>>();
  private readonly committingKeys = new Set<string | symbol>();

  constructor(private readonly options: GroupCommitOptions<Change, Outcome>) {}

  /**
   * @param lifetime of the request that asks for it
   * @throws what the transaction of this change was refused for; `unavailable()`; what the lifetime throws
   */
  async submit(change: Change, lifetime: Lifetime): Promise<Outcome> {
    if (this.pending >= this.options.maxPending) throw this.options.unavailable();
    this.pending += 1;
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        const entry = { change, lifetime, resolve, reject };
        const contended = this.waiting.get(this.options.keyOf(change));
        if (contended !== undefined) contended.push(entry);
        else this.next.push(entry);
        void this.commitNext();
      });
    } finally {
      this.pending -= 1;
    }
  }

  private async commitNext(): Promise<void> {
    if (this.isCommitting) return;
    this.isCommitting = true;
    while (this.next.length > 0) {
      const batch = this.next.splice(0, this.options.maxBatch);
      for (const entry of await this.commit(batch, 'nothing', (entry) => this.wait(Symbol('alone'), entry))) {
        this.wait(this.options.keyOf(entry.change), entry);
      }
    }
    this.isCommitting = false;
  }

  private wait(key: string | symbol, entry: Entry<Change, Outcome>): void {
    const entries = this.waiting.get(key);
    if (entries !== undefined) entries.push(entry);
    else this.waiting.set(key, [entry]);
    this.commitWaiting();
  }

  private commitWaiting(): void {
    for (const [key, entries] of this.waiting) {
      if (this.committingKeys.size >= MAX_WAITING_BATCHES) return;
      if (this.committingKeys.has(key)) continue;
      this.committingKeys.add(key);
      void this.commitGroup(entries.splice(0, this.options.maxBatch)).finally(() => {
        this.committingKeys.delete(key);
        // To the end, so that one key does not keep the others from their turn.
        this.waiting.delete(key);
        if (entries.length > 0) this.waiting.set(key, entries);
        this.commitWaiting();
      });
    }
  }

  private async commitGroup(batch: Array<Entry<Change, Outcome>>): Promise<void> {
    if (batch.length > 1) {
      const busy = await this.commit(batch, 'key', (entry, error) => {
        if (this.options.isLockTimeout(error)) entry.reject(error);
        else this.wait(Symbol('alone'), entry);
      });
      for (const entry of busy) this.wait(Symbol('alone'), entry);
      return;
    }
    let left = batch;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS_ALONE && left.length > 0; attempt += 1) {
      left = await this.commit(left, 'everything', (entry, error) => entry.reject(error));
    }
    for (const entry of left) entry.reject(this.options.unavailable());
  }

  /**
   * One transaction, and once more where its commit is unknown.
   * @param onRefusal called for each change of a transaction that was refused
   * @returns the changes that were not made, since what they concern is locked
   */
  private async commit(
    batch: ReadonlyArray<Entry<Change, Outcome>>,
    waitFor: WaitFor,
    onRefusal: (entry: Entry<Change, Outcome>, error: unknown) => void,
  ): Promise<Array<Entry<Change, Outcome>>> {
    let failure: unknown;
    let entries = batch;
    const begin = (): Change[] => {
      entries = entries.filter(isWanted);
      return entries.map(({ change }) => change);
    };
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      try {
        const outcomes = await this.options.commit(begin, waitFor);
        return entries.filter((entry, i) => {
          const outcome = outcomes[i]!;
          if (outcome !== BUSY) entry.resolve(outcome);
          return outcome === BUSY;
        });
      } catch (error) {
        if (this.options.isRefusal(error)) {
          for (const entry of entries) onRefusal(entry, error);
          return [];
        }
        failure = error;
      }
    }
    for (const { reject } of entries) reject(failure);
    return [];
  }
}

/** Rejects a change whose request has ended. */
function isWanted<Change, Outcome>({ lifetime, reject }: Entry<Change, Outcome>): boolean {
  try {
    lifetime.throwIfEnded();
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}
