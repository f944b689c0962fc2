import { isStatementTooLarge } from './database-failure.js';
import type { SetAsideProducts } from './set-aside-products.js';

/** What a statement over some of the products answered; those of `setAside` could not be counted, and have no answer. */
export interface StatementPart<T> {
  readonly answer: T | null;
  readonly setAside: readonly string[];
}

/**
 * A statement that counts the reviews of products, made so that one product too large to count holds up no other: where it does not
 * fit it is halved until it does, and the product that does not fit alone is set aside.
 *
 *     [a b C d]   timed out
 *     [a b]       answered
 *     [C d]       timed out
 *     [C]         timed out: set aside     [d]   answered
 */
export class DividedStatement<T> {
  private retrying = false;

  /** @param statement makes the statement for some of the products */
  constructor(
    private readonly statement: (productIds: readonly string[]) => Promise<T>,
    private readonly setAside: SetAsideProducts,
  ) {}

  /**
   * Makes as many statements as it takes. Products set aside come last, each alone, once they are due; only one of them is tried at
   * a time.
   * @throws the database's error, but for statements that are too large
   */
  async *run(productIds: readonly string[]): AsyncGenerator<StatementPart<T>> {
    const known = new Set(productIds.filter((productId) => this.setAside.has(productId)));
    yield* this.runParts(productIds.filter((productId) => !known.has(productId)));
    for (const productId of known) {
      if (this.retrying || this.setAside.waits(productId)) yield { answer: null, setAside: [productId] };
      else yield* this.retry(productId);
    }
  }

  private async *retry(productId: string): AsyncGenerator<StatementPart<T>> {
    this.retrying = true;
    try {
      yield* this.runParts([productId]);
    } finally {
      this.retrying = false;
    }
  }

  private async *runParts(productIds: readonly string[]): AsyncGenerator<StatementPart<T>> {
    if (productIds.length === 0) return;
    let answer: T;
    try {
      answer = await this.statement(productIds);
    } catch (error) {
      if (!isStatementTooLarge(error)) throw error;
      if (productIds.length === 1) {
        this.setAside.add(productIds[0]!, error);
        yield { answer: null, setAside: productIds };
        return;
      }
      const half = Math.ceil(productIds.length / 2);
      yield* this.runParts(productIds.slice(0, half));
      yield* this.runParts(productIds.slice(half));
      return;
    }
    this.setAside.delete(productIds);
    yield { answer, setAside: [] };
  }
}
