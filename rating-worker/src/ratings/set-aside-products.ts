import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { Gauge } from 'prom-client';

interface SetAsideProduct {
  /** The last delay, in statements' time limits. */
  readonly delays: number;
  /** In ms since 1970. */
  readonly retryAt: number;
}

/** In statements' time limits: an attempt takes up to one, so attempts take a third of the time at first, and hardly any later. */
const FIRST_DELAY = 2;
const MAX_DELAY = 64;
/** Beyond this many the oldest are forgotten, and so tried again earlier. */
const MAX_PRODUCTS = 10_000;

/**
 * The products whose reviews PostgreSQL could not count, each with the time of its next attempt, which doubles from one to the next.
 * Kept by each process: forgotten with it, a product costs one more attempt.
 */
export class SetAsideProducts {
  private readonly products = new Map<string, SetAsideProduct>();

  constructor(
    private readonly statementTimeoutMs: number,
    private readonly gauge: Gauge,
    private readonly logger: Logger,
  ) {}

  has(productId: string): boolean {
    return this.products.has(productId);
  }

  /** Whether the product is set aside and not to be tried yet. */
  waits(productId: string): boolean {
    return (this.products.get(productId)?.retryAt ?? 0) > Date.now();
  }

  /** Sets the product aside, for longer where it was already. */
  add(productId: string, cause: unknown): void {
    const known = this.products.get(productId);
    const delays = known === undefined ? FIRST_DELAY : Math.min(2 * known.delays, MAX_DELAY);
    const delayMs = delays * this.statementTimeoutMs;
    this.products.delete(productId);
    this.products.set(productId, { delays, retryAt: Date.now() + delayMs });
    if (this.products.size > MAX_PRODUCTS) this.products.delete(this.products.keys().next().value!);
    this.gauge.set(this.products.size);
    this.logger[known === undefined ? 'error' : 'debug'](
      { productId, reason: errorMessage(cause), retryInMs: delayMs },
      'PostgreSQL cannot count the reviews of this product: it is set aside and tried again, the others go on. Where it was timed out, raise DATABASE_STATEMENT_TIMEOUT_MS',
    );
  }

  /** Called with products that PostgreSQL has answered for. */
  delete(productIds: readonly string[]): void {
    if (this.products.size === 0) return;
    for (const productId of productIds) {
      if (this.products.delete(productId)) this.logger.info({ productId }, 'a product that was set aside is counted');
    }
    this.gauge.set(this.products.size);
  }

  /** Milliseconds until the first of these products may be tried again. */
  retryInMs(productIds: readonly string[]): number {
    const times = productIds.map((productId) => this.products.get(productId)?.retryAt ?? 0);
    return Math.max(0, Math.min(...times) - Date.now());
  }
}
