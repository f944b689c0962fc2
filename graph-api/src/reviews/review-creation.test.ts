import { randomUUID } from 'node:crypto';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import fc from 'fast-check';
import type pg from 'pg';
import type { Viewer } from '../auth/viewer.js';
import { createDataSource } from '../database/data-source.js';
import { createPool, Database, type PgQuery } from '../database/database.js';
import { PipelinedReads } from '../database/pipelined-reads.js';
import { isLockTimeout } from '../database/postgres-errors.js';
import { newId } from '../graphql/ids.js';
import type { ReviewResult } from './review-change.js';
import { createReviewCreation } from './review-creation.js';
import { ReviewStatus } from './review-status.js';

const WAITING = { throwIfEnded: (): void => undefined };
const POOL_SIZE = 4;

let database: TestDatabase;
let pools: pg.Pool[];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  pools = [];
});
afterEach(() => Promise.all(pools.map((pool) => pool.end())));

type Written = Promise<{ rows: unknown[] }>;

/** Runs a write in the place of the process, and sees what it was. */
type Observer = (write: () => Written, query: () => PgQuery) => Written;

/** The place of `p_wait_for_products` in the values of `create_reviews`. */
const WAIT_FOR_PRODUCTS = 10;

interface CreationOptions {
  readonly rating?: number;
  readonly idempotencyKey?: string | null;
  readonly withProduct?: boolean;
}

/** What one graph-api process has: a pool for writes and a group commit of its own. */
function startProcess(observe: Observer) {
  const onPoolError = (): void => undefined;
  const writes = createPool(database.config, { size: POOL_SIZE, statementTimeoutMs: 15_000, onPoolError });
  pools.push(writes);
  const options = { entities: [], poolSize: 1, statementTimeoutMs: 15_000, onPoolError };
  class ObservedDatabase extends Database {
    override changeForAll(prepare: (validUntilMs: number) => PgQuery | null): Promise<{ rows: unknown[] }> {
      let query!: PgQuery;
      const noting = (validUntilMs: number): PgQuery => (query = prepare(validUntilMs)!);
      return observe(
        () => super.changeForAll(noting),
        () => query,
      );
    }
  }
  let wakes = 0;
  const creation = createReviewCreation(
    new ObservedDatabase(createDataSource(database.config, options), writes, new PipelinedReads(writes, 0)),
    ReviewStatus.PUBLISHED,
    () => (wakes += 1),
  );
  const create = (
    productId: string,
    author: string,
    { rating = 4, idempotencyKey = null, withProduct = true }: CreationOptions = {},
  ): Promise<ReviewResult> =>
    creation.submit(
      { id: newId(), viewer: viewer(author), productId, input: { rating }, idempotencyKey, withProduct },
      WAITING,
    );
  return { create, wakes: () => wakes };
}

const unobserved = <T>(write: () => Promise<T>): Promise<T> => write();

/** Records the statements that PostgreSQL refused. */
function recordRefusals(): { observe: Observer; ofSeveralProducts: () => PgQuery[] } {
  const refused: PgQuery[] = [];
  return {
    observe: (write, query) =>
      write().catch((error: unknown) => {
        refused.push(query());
        throw error;
      }),
    ofSeveralProducts: () => refused.filter(({ values }) => values[WAIT_FOR_PRODUCTS] === false),
  };
}

function viewer(subject: string): Viewer {
  return { issuer: '', subject, displayName: `Name of ${subject}`, isAdmin: false };
}

/** Runs `work` while a connection of its own holds what the statement locks. */
async function whileLocked(statement: string, values: unknown[], work: (unlock: () => Promise<void>) => Promise<void>) {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(statement, values);
    await work(async () => {
      await client.query('COMMIT');
    });
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

const LOCK_STREAM = 'SELECT FROM review_streams WHERE product_id = $1 FOR UPDATE';
const LOCK_PRODUCT = 'SELECT FROM products WHERE id = $1 FOR UPDATE';
const LOCK_AUTHOR = 'SELECT FROM authors WHERE subject = $1 FOR UPDATE';

async function somebodyWaits(): Promise<boolean> {
  const { rowCount } = await database.pool.query(
    `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'graph-api' AND wait_event_type = 'Lock'`,
  );
  return rowCount! > 0;
}

function done(result: ReviewResult): Extract<ReviewResult, { status: 'DONE' }> {
  if (result.status !== 'DONE') throw new Error(`the outcome is ${result.status}`);
  return result;
}

/** Every number of the product once, without a hole, and its rating the sum of its events. */
async function expectSound(productId: string, reviews: number): Promise<void> {
  const events = await outboxEvents(database.pool, productId);
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: reviews }, (_, i) => i + 1));
  const stars = [1, 2, 3, 4, 5].map((n) => events.filter(({ payload }) => payload.rating === n).length);
  expect(await snapshot(database.pool, productId)).toEqual({ seq: reviews, stars });
}

test('64 at once are two transactions, two wakes, and each review has its own number and author', async () => {
  let writes = 0;
  const { create, wakes } = startProcess((write) => ((writes += 1), write()));
  const product = await insertProduct(database.pool);
  const results = await Promise.all(Array.from({ length: 64 }, (_, i) => create(product, `many-${i}`)));
  expect([writes, wakes()]).toEqual([2, 2]);
  const events = new Map(
    (await outboxEvents(database.pool, product)).map(({ payload, seq }) => [payload.reviewId, seq]),
  );
  for (const [i, result] of results.entries()) {
    const { review, author, ratingVersion, rated } = done(result);
    expect(ratingVersion).toBe(events.get(review.id));
    expect(review).toMatchObject({ productId: product, authorId: author!.id, rating: 4, version: 1 });
    expect(author!.displayName).toBe(`Name of many-${i}`);
    expect(rated!.product.name).toBe('Lamp');
    // The rating of the whole transaction, in which this change is.
    expect(rated!.rating.seq).toBe(i === 0 ? 1 : 64);
    expect(rated!.rating.stars).toEqual([0, 0, 0, rated!.rating.seq, 0]);
  }
  await expectSound(product, 64);
});

test('an id that is stored already is a success and no second event, whatever happened to the answer', async () => {
  let losses = 1;
  const { create } = startProcess(async (write) => {
    const answer = await write();
    if (losses-- > 0) throw new Error('Connection terminated unexpectedly');
    return answer;
  });
  const product = await insertProduct(database.pool);
  const { review, ratingVersion, rated } = done(await create(product, 'forgetful'));
  expect(ratingVersion).toBe(1);
  const [event, ...more] = await outboxEvents(database.pool, product);
  const eventTag = event!.payload.eventId.slice(-8);
  expect(rated!.rating).toEqual({ seq: 1, eventTag, stars: [0, 0, 0, 1, 0] });
  expect([event!.payload.reviewId, more]).toEqual([review.id, []]);
});

test('of the same new key in one batch the first is created, and the others are answered that', async () => {
  let writes = 0;
  const { create } = startProcess((write) => ((writes += 1), write()));
  const product = await insertProduct(database.pool);
  // The first goes at once, and the others gather.
  const [, leader, follower, reused, otherCaller, unnamed] = await Promise.all([
    create(product, 'first'),
    create(product, 'ada', { idempotencyKey: 'key', withProduct: false }),
    create(product, 'ada', { idempotencyKey: 'key' }),
    create(product, 'ada', { idempotencyKey: 'key', rating: 1 }),
    create(product, 'bob', { idempotencyKey: 'key', withProduct: false }),
    create(product, 'ada', { withProduct: false }),
  ]);
  expect(writes).toBe(2);
  const { review, ratingVersion, author, rated } = done(leader);
  expect([ratingVersion, rated]).toEqual([2, null]);
  expect(done(follower)).toMatchObject({ review, ratingVersion, author });
  // The rating of the whole transaction, which nobody whose review is created asks for.
  expect(done(follower).rated!.rating).toMatchObject({ seq: 3, stars: [0, 0, 0, 3, 0] });
  expect(reused).toEqual({ status: 'KEY_REUSED' });
  expect(done(otherCaller).review.id).not.toBe(review.id);
  expect(unnamed).toMatchObject({ status: 'ALREADY_REVIEWED', review: { id: review.id } });
  await expectSound(product, 3);
});

test('a backend that is ended while it waits costs its caller nothing', async () => {
  const { create } = startProcess(unobserved);
  const product = await insertProduct(database.pool);
  await whileLocked(LOCK_STREAM, [product], async (unlock) => {
    const result = create(product, 'unlucky');
    await eventually('it waits', somebodyWaits);
    await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'graph-api' AND wait_event_type = 'Lock'`,
    );
    await unlock();
    expect(done(await result).ratingVersion).toBe(1);
  });
  await expectSound(product, 1);
});

test.each([
  ['stream', LOCK_STREAM],
  ['product', LOCK_PRODUCT],
])('whoever holds a %s locked holds up nobody else, also of the same batch', async (_, lock) => {
  const { observe, ofSeveralProducts } = recordRefusals();
  const { create } = startProcess(observe);
  const locked = await insertProduct(database.pool);
  const others = await Promise.all(Array.from({ length: 5 }, () => insertProduct(database.pool)));
  const waiting: Array<Promise<ReviewResult>> = [];
  await whileLocked(lock, [locked], async (unlock) => {
    for (let round = 0; round < 3; round += 1) {
      const answers = others.flatMap((product, i) => {
        waiting.push(create(locked, `${locked}-${round}-${i}`));
        return [create(product, `${locked}-${round}`)];
      });
      // They answer while the lock is held: nothing but the test gives it up.
      for (const answer of await Promise.all(answers)) done(answer);
    }
    await unlock();
  });
  // Whoever waits gives up after two seconds; a batch of several products never waited.
  expect(ofSeveralProducts()).toEqual([]);
  const results = await Promise.allSettled(waiting);
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  expect(reasons.every(isLockTimeout)).toBe(true);
  await expectSound(locked, 15 - reasons.length);
  for (const product of others) await expectSound(product, 3);
});

test('an author who is locked, as by an erasure, holds up nobody else, and waits alone', async () => {
  const { observe, ofSeveralProducts } = recordRefusals();
  const { create } = startProcess(observe);
  const products = await Promise.all([insertProduct(database.pool), insertProduct(database.pool)]);
  done(await create(products[0], 'erased'));
  await whileLocked(LOCK_AUTHOR, ['erased'], async (unlock) => {
    const first = create(products[1], 'bystander-0');
    const waiting = create(products[1], 'erased');
    const rest = [1, 2, 3].map((i) => create(products[1], `bystander-${i}`));
    for (const answer of await Promise.all([first, ...rest])) done(answer);
    expect(ofSeveralProducts()).toEqual([]);
    await eventually('the author waits', somebodyWaits);
    await unlock();
    done(await waiting);
  });
  await expectSound(products[1], 5);
});

test('a lock that does not come is the error of all who wait for it, and of nobody else', async () => {
  const { create } = startProcess(unobserved);
  const locked = await insertProduct(database.pool);
  const free = await insertProduct(database.pool);
  await whileLocked(LOCK_STREAM, [locked], async () => {
    const waiting = Array.from({ length: 4 }, (_, i) => create(locked, `in-vain-${i}`));
    const results = await Promise.allSettled([...waiting, create(free, 'in-vain')]);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(reasons.map(isLockTimeout)).toEqual([true, true, true, true]);
    expect(results.at(-1)!.status).toBe('fulfilled');
  });
  await expectSound(locked, 0);
});

test('a product without a stream, as loaded with triggers off, gets one', async () => {
  const { create } = startProcess(unobserved);
  const product = await insertProduct(database.pool);
  await database.pool.query('DELETE FROM review_streams WHERE product_id = $1', [product]);
  const results = await Promise.all(['a', 'b', 'c'].map((author) => create(product, `streamless-${author}`)));
  expect(results.map((result) => done(result).ratingVersion).sort()).toEqual([1, 2, 3]);
  await expectSound(product, 3);
});

test('a product that is deleted or marked as deleted meanwhile is NOT_FOUND', async () => {
  const { create } = startProcess(unobserved);
  for (const deletion of [
    'DELETE FROM products WHERE id = $1',
    'UPDATE products SET deleted_at = now() WHERE id = $1',
  ]) {
    const product = await insertProduct(database.pool);
    await whileLocked(deletion, [product], async (unlock) => {
      const results = ['a', 'b'].map((author) => create(product, author));
      await eventually('one waits', somebodyWaits);
      await unlock();
      expect(await Promise.all(results)).toEqual([{ status: 'NOT_FOUND' }, { status: 'NOT_FOUND' }]);
    });
  }
});

test('two processes, random mixes: each outcome is that of running alone', async () => {
  const processes = [startProcess(unobserved), startProcess(unobserved)] as const;
  const creation = fc.record({
    process: fc.constantFrom(0, 1),
    product: fc.constantFrom(0, 1, 2, 3, 'deleted', 'unknown'),
    author: fc.nat(6),
    rating: fc.integer({ min: 1, max: 5 }),
    /** Sent so many turns of the event loop after the first. */
    turns: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(creation, { minLength: 5, maxLength: 60 }), async (creations) => {
      const products = await Promise.all(Array.from({ length: 4 }, () => insertProduct(database.pool)));
      const deleted = await insertProduct(database.pool);
      await database.pool.query('UPDATE products SET deleted_at = now() WHERE id = $1', [deleted]);
      const run = randomUUID();
      const results = await Promise.all(
        creations.map(async ({ process, product, author, rating, turns }) => {
          for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          const id = product === 'deleted' ? deleted : product === 'unknown' ? randomUUID() : products[product as 0]!;
          return processes[process].create(id, `${run}-${author}`, { rating });
        }),
      );
      const first = new Map<string, number>();
      for (const [i, { product, author }] of creations.entries()) {
        const { status } = results[i]!;
        if (typeof product === 'string') {
          expect(status).toBe('NOT_FOUND');
          continue;
        }
        expect(['DONE', 'ALREADY_REVIEWED']).toContain(status);
        const key = `${product} ${author}`;
        first.set(key, (first.get(key) ?? 0) + (status === 'DONE' ? 1 : 0));
      }
      // Of those who review one product as one author, exactly one succeeds.
      expect([...first.values()].every((successes) => successes === 1)).toBe(true);
      for (const [n, product] of products.entries()) {
        await expectSound(product, [...first.keys()].filter((key) => key.startsWith(`${n} `)).length);
        const events = await outboxEvents(database.pool, product);
        for (const [i, { product: of }] of creations.entries()) {
          const result = results[i]!;
          if (of !== n || result.status !== 'DONE') continue;
          const { review, ratingVersion, rated } = result;
          expect(events[ratingVersion - 1]!.payload).toMatchObject({ reviewId: review.id, rating: review.rating });
          const { seq, stars } = rated!.rating;
          expect(seq).toBeGreaterThanOrEqual(ratingVersion);
          expect(stars).toEqual(
            [1, 2, 3, 4, 5].map((s) => events.slice(0, seq).filter(({ payload }) => payload.rating === s).length),
          );
        }
      }
    }),
    { numRuns: 25 },
  );
});
