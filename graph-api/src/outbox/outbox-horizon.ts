/** PostgreSQL's `pg_snapshot`: which transactions had ended when it was taken. */
export interface Snapshot {
  /** All transactions from this id on had not ended. */
  readonly xmax: number;
  /** Transactions below `xmax` that had not ended either. */
  readonly running: ReadonlySet<number>;
}

/** What a batch's transaction saw when it read, or before. */
export interface Opening {
  /** Another value means another database, in which nothing of what was learnt holds. */
  readonly identity: string;
  /** The position that was drawn last, by whomever. */
  readonly lastPosition: number;
  /** Taken after `lastPosition`. */
  readonly snapshot: Snapshot;
}

/** What a batch's transaction saw after it had read. */
export interface Closing {
  readonly snapshot: Snapshot;
  /** The id of this transaction, assigned after the snapshot was taken. */
  readonly xid: number;
}

/** Positions up to `lastPosition` belong to transactions that had ended at the checkpoint, and to those in `unfinished`. */
interface Checkpoint {
  readonly lastPosition: number;
  /** From a transaction to the lowest position that its rows can have. */
  readonly unfinished: ReadonlyMap<number, number>;
}

/**
 * From time to time a batch begins at the beginning all the same: should a row ever have been left behind (a position drawn
 * by hand, outside of any transaction that wrote before), it waits for so long, and no longer.
 */
const FULL_READ_INTERVAL_MS = 60_000;

/** Ids of subtransactions are among those above `xmax`; from so many on no checkpoint is made. */
const MAX_UNFINISHED = 10_000;

/**
 * The lowest position that a row of the outbox can have which is not yet published. Reading from there, a relay need not
 * walk the index entries of deleted rows, which stay for as long as a transaction anywhere holds an old snapshot (a backup,
 * a forgotten psql): with 500,000 of them each read takes 100 times as long.
 *
 * "All positions up to the last one read" would be wrong, since positions of different products commit out of order. But a
 * position is drawn by a transaction that has its id already. So at the end of a batch:
 *
 *     a position up to `lastPosition` was drawn before our transaction got its id, `xid`
 *       → its transaction has an id below `xid`
 *       → it had ended, and the batches that follow see its rows; or it is one of those unfinished at that time
 *
 * The next batch may therefore begin after `lastPosition`, once all that is visible below has been published, and except
 * for rows of unfinished transactions: when such a one has ended, one batch begins at the lowest position it can have.
 */
export class OutboxHorizon {
  private identity = '';
  private fullReadAt = 0;
  private low = 0;
  /** Unfinished transactions that may have rows below `low`. */
  private pending = new Map<number, number>();
  private checkpoint: Checkpoint | null = null;

  /**
   * The position from which a batch must read. 0: from the beginning, as always in the first batch. To be asked again with
   * the snapshot of the read itself: where that gives a lower position, a transaction has ended in between, of which the
   * read saw the later rows and not the earlier ones.
   */
  startOf(opening: Opening): number {
    if (opening.identity !== this.identity || opening.lastPosition + 1 < this.low) this.forget(opening.identity);
    if (performance.now() >= this.fullReadAt) return 0;
    const floors = [...this.pending].filter(([xid]) => hasEnded(xid, opening.snapshot)).map(([, floor]) => floor);
    return Math.min(this.low, ...floors);
  }

  /** To be told how long a read took. Where reads from the beginning are slow, they are made more rarely. */
  hasRead(start: number, milliseconds: number): void {
    if (start === 0) this.fullReadAt = performance.now() + Math.max(FULL_READ_INTERVAL_MS, 100 * milliseconds);
  }

  /** Whether so much lies between the horizon and the last position that it pays to move, with no row to publish. */
  isFarBehind(opening: Opening): boolean {
    return opening.lastPosition - this.low > 1_000;
  }

  /**
   * Moves the horizon after a batch was committed.
   * @param publishedBelow everything that the batch saw below this position is published; Infinity where nothing is left
   */
  advance(opening: Opening, closing: Closing, publishedBelow: number): void {
    const { checkpoint } = this;
    const known = new Map([...(checkpoint?.unfinished ?? []), ...this.pending]);
    const floorOf = (xid: number): number => known.get(xid) ?? (checkpoint === null ? 0 : checkpoint.lastPosition + 1);
    this.pending = new Map([...known].filter(([xid]) => !hasEnded(xid, opening.snapshot)));
    this.low = Math.min(Math.max(this.low, checkpoint === null ? 0 : checkpoint.lastPosition + 1), publishedBelow);

    const { snapshot, xid } = closing;
    if (xid - snapshot.xmax > MAX_UNFINISHED) return;
    const started = Array.from({ length: xid - snapshot.xmax }, (_, i) => snapshot.xmax + i);
    const unfinished = new Map([...snapshot.running, ...started].map((id) => [id, floorOf(id)]));
    this.checkpoint = { lastPosition: opening.lastPosition, unfinished };
  }

  private forget(identity: string): void {
    this.identity = identity;
    this.fullReadAt = 0;
    this.low = 0;
    this.pending = new Map();
    this.checkpoint = null;
  }
}

function hasEnded(xid: number, snapshot: Snapshot): boolean {
  return xid < snapshot.xmax && !snapshot.running.has(xid);
}

/** @param text as PostgreSQL writes it: `xmin:xmax:running,running,…` */
export function parseSnapshot(text: string): Snapshot {
  const [, xmax, running] = /^\d+:(\d+):([\d,]*)$/.exec(text)!;
  return { xmax: Number(xmax), running: new Set(running === '' ? [] : running!.split(',').map(Number)) };
}
