import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Redis } from 'ioredis';

/**
 * Notes when each new review of a product becomes readable in Redis: reads the public `reviewCount` of all products that have
 * reviews under way, again and again. The n-th review of a product is readable once its count is n, since one product's
 * changes are applied in their order and nothing is deleted here. A look takes about a millisecond; so exact is the moment.
 */
export class RatingWatch {
  readonly #sent = new Map<string, number>();
  readonly #seen = new Map<string, number>();
  /** `<product> <n>` → Unix time in ms. */
  readonly #readableAt = new Map<string, number>();
  readonly #open = new Set<string>();
  #stopping = false;
  readonly #running: Promise<void>;

  constructor(private readonly redis: Redis) {
    this.#running = this.#run();
    this.#running.catch(() => undefined);
  }

  /** Announces a further review of the product. */
  expect(productId: string): void {
    this.#sent.set(productId, (this.#sent.get(productId) ?? 0) + 1);
    this.#open.add(productId);
  }

  /** Whether every announced review is readable. */
  get isComplete(): boolean {
    return this.#open.size === 0;
  }

  /** When the n-th review of the product was readable, in Unix ms. */
  readableAt(productId: string, n: number): number | undefined {
    return this.#readableAt.get(`${productId} ${n}`);
  }

  /** @throws what made the watch fail */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const products = [...this.#open];
      if (products.length > 0) {
        const counts = await this.redis.mget(products.map((id) => `product:${id}:reviewCount`));
        const now = Date.now();
        products.forEach((id, i) => this.#note(id, Number(counts[i] ?? 0), now));
      }
      await nextTurn();
    }
  }

  #note(productId: string, count: number, now: number): void {
    const seen = this.#seen.get(productId) ?? 0;
    for (let n = seen + 1; n <= count; n += 1) this.#readableAt.set(`${productId} ${n}`, now);
    this.#seen.set(productId, count);
    if (count >= this.#sent.get(productId)!) this.#open.delete(productId);
  }
}
