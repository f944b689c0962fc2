import { setTimeout as delay } from 'node:timers/promises';
import { ReadProbe } from '../../workload/read-probe.js';
import type { Testbed } from '../../testbed.js';
import type { Fault } from './fault.js';

const SECONDS = 15;
const AUTHORS = 10;

/** A read, or a review of another product, may take this many times as long as before, on a machine where ten authors try again and again. */
const SLOWER_AT_MOST = 3;

/** Below this either counts as fast whatever it was before. */
const FAST_MS = 150;

/** Creates reviews of these products one after the other, each by an author of its own. */
class BystandingAuthor {
  readonly failures: string[] = [];
  #times: number[] = [];
  #stopping = false;
  readonly #running: Promise<void>;

  constructor(bed: Testbed, productIds: readonly string[], name: string) {
    this.#running = this.#run(bed, productIds, name);
  }

  /** The median in ms of the reviews that were created since the last call; null where there were none. */
  median(): number | null {
    const times = this.#times.sort((a, b) => a - b);
    this.#times = [];
    return times.length === 0 ? null : Math.round(times[Math.floor(times.length / 2)]!);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #run(bed: Testbed, productIds: readonly string[], name: string): Promise<void> {
    for (let i = 0; !this.#stopping; i += 1) {
      const client = await bed.client({ subject: `${name}-bystander-${i}` }, i % bed.system.apis.length);
      const began = performance.now();
      const failure = await client
        .CreateReview({ input: { productId: productIds[i % productIds.length]!, rating: 3 } })
        .then(
          ({ createReview }) => createReview.userErrors[0]?.code,
          (error: unknown) => String(error),
        );
      if (failure === undefined) this.#times.push(performance.now() - began);
      else this.failures.push(failure);
    }
  }
}

export const lockFaults: readonly Fault[] = [
  {
    name: 'product-locked',
    row: 39,
    title: `psql holds one product locked for ${SECONDS} s; ten authors an API wait for it, reads and reviews of other products answer as fast as before`,
    repeatable: true,
    inject: async ({ bed, productIds, name, note, violation }) => {
      const [locked, ...others] = productIds as [string, ...string[]];
      const probe = new ReadProbe(bed, { productIds: others, pauseMs: 10 }).start();
      const bystander = new BystandingAuthor(bed, others, name);
      await delay(5_000);
      const before = probe.report();
      const medianBefore = bystander.median();
      const psql = await bed.pool.connect();
      let stopped = false;
      try {
        await psql.query('BEGIN');
        await psql.query('SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE', [locked]);
        const began = Date.now();
        const outcomes: Record<string, number> = {};
        const author = async (i: number): Promise<void> => {
          const client = await bed.client({ subject: `${name}-waiting-${i}` }, i % bed.system.apis.length);
          while (!stopped) {
            const outcome = await client.CreateReview({ input: { productId: locked, rating: 3 } }).then(
              ({ createReview }) => createReview.userErrors[0]?.code ?? 'created',
              (error: unknown) => (error as { code?: string }).code ?? 'no answer',
            );
            outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          }
        };
        const authors = Array.from({ length: AUTHORS * bed.system.apis.length }, (_, i) => author(i));
        await delay(SECONDS * 1_000);
        const during = probe.report(began);
        const medianDuring = bystander.median();
        stopped = true;
        await psql.query('COMMIT');
        await Promise.all(authors);
        note(`reads before: p50 ${before.p50}, p99 ${before.p99} ms; during: p50 ${during.p50}, p99 ${during.p99} ms`);
        note(`reviews of other products: p50 before ${medianBefore} ms, during ${medianDuring} ms`);
        if (medianBefore === null || medianDuring === null || bystander.failures.length > 0) {
          violation(`availability: reviews of other products failed: ${bystander.failures[0] ?? 'there were none'}`);
        } else if (medianDuring > Math.max(FAST_MS, SLOWER_AT_MOST * medianBefore)) {
          violation(`availability: reviews of other products took ${medianDuring} ms (p50), before ${medianBefore} ms`);
        }
        note(`authors got ${JSON.stringify(outcomes)}`);
        if (during.failures.length > 0) {
          violation(`availability: ${during.failures.length} of ${during.reads} reads failed: ${during.failures[0]}`);
        }
        const bound = Math.max(FAST_MS, SLOWER_AT_MOST * before.p99);
        if (during.p99 > bound) violation(`availability: reads took ${during.p99} ms (p99), ${bound} were allowed`);
        if (during.reads < before.reads) violation(`availability: only ${during.reads} reads in ${SECONDS} s`);
      } finally {
        stopped = true;
        await psql.query('ROLLBACK').catch(() => undefined);
        psql.release();
        await bystander.stop();
        await probe.stop();
      }
    },
    // The waiting authors' reviews are changes that no history counts.
    foreignChanges: true,
  },
];
