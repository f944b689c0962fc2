import { setTimeout as delay } from 'node:timers/promises';
import type { Testbed } from '../testbed.js';
import { Random } from './random.js';

/**
 * Writes reviews by plain statements, a few rows each, as an import does: many more events a second than authors make.
 * What fails is tried no further: a statement is committed whole or not at all.
 */
export class BulkWriter {
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #events = 0;

  constructor(
    private readonly bed: Testbed,
    private readonly options: {
      readonly productIds: readonly string[];
      /** Milliseconds between two statements; 10 by default. */
      readonly pauseMs?: number;
      /** Reviews a statement; 10 by default. */
      readonly rows?: number;
      readonly seed?: number;
    },
  ) {}

  /** Count of changes committed so far. */
  get events(): number {
    return this.#events;
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { productIds, pauseMs = 10, rows = 10, seed = 1 } = this.options;
    const random = new Random(seed);
    while (!this.#stopping) {
      const ids = Array.from({ length: rows }, () => random.pick(productIds));
      const { rowCount } = await this.bed.pool
        .query(
          'INSERT INTO reviews (product_id, rating) SELECT p, 1 + (random() * 4)::integer FROM unnest($1::uuid[]) p',
          [ids],
        )
        .catch(() => ({ rowCount: 0 }));
      this.#events += rowCount ?? 0;
      await delay(pauseMs);
    }
  }
}
