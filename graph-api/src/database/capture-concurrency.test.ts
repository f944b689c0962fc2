import type pg from 'pg';
import {
  insertProduct,
  insertReview,
  outboxEvents,
  snapshot,
  type OutboxEvent,
} from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** Runs the work on so many connections of its own, all at once. */
async function onConnections<Result>(count: number, work: (client: pg.PoolClient, n: number) => Promise<Result>) {
  const clients = await Promise.all(Array.from({ length: count }, () => database.pool.connect()));
  try {
    return await Promise.all(clients.map(work));
  } finally {
    clients.forEach((client) => client.release());
  }
}

/** Numbers without holes, in the order of the outbox; counts that follow from the events. */
async function expectSound(productId: string): Promise<OutboxEvent[]> {
  const events = await outboxEvents(database.pool, productId);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  const stars = [0, 0, 0, 0, 0];
  for (const { payload } of events) {
    if (payload.previousRating !== null) stars[payload.previousRating - 1]! -= 1;
    if (payload.rating !== null) stars[payload.rating - 1]! += 1;
  }
  if (events.at(-1)?.type === 'product-deleted') expect(await snapshot(database.pool, productId)).toBeNull();
  else expect(await snapshot(database.pool, productId)).toEqual({ seq: events.length, stars });
  return events;
}

test('8 connections on one product: commit order, number order and outbox order are one', async () => {
  const product = await insertProduct(database.pool);
  const committed: Array<{ from: number; to: number; seq: number }> = [];
  await onConnections(8, async (client, n) => {
    for (let i = 0; i < 25; i += 1) {
      await client.query('BEGIN');
      await insertReview(client, product, 1 + ((n + i) % 5));
      const { rows } = await client.query('SELECT last_seq FROM review_streams WHERE product_id = $1', [product]);
      const from = performance.now();
      await client.query('COMMIT');
      committed.push({ from, to: performance.now(), seq: (rows[0] as { last_seq: number }).last_seq });
    }
  });
  const events = await expectSound(product);
  expect(events).toHaveLength(200);
  // A commit that had returned before another began has the lower number.
  for (const earlier of committed) {
    for (const later of committed) if (earlier.to < later.from) expect(earlier.seq).toBeLessThan(later.seq);
  }
});

test('a reader of the outbox never sees a number of a product without all that precede it', async () => {
  const products = [await insertProduct(database.pool), await insertProduct(database.pool)];
  let writing = true;
  const writers = onConnections(6, async (client, n) => {
    for (let i = 0; i < 30; i += 1) {
      await client.query('BEGIN');
      await insertReview(client, products[(n + i) % 2]!, 3);
      await client.query('SELECT pg_sleep(random() * 0.003)');
      await client.query(i % 7 === 0 ? 'ROLLBACK' : 'COMMIT');
    }
  }).finally(() => (writing = false));
  let looks = 0;
  while (writing) {
    for (const product of products) {
      const seqs = (await outboxEvents(database.pool, product)).map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    }
    looks += 1;
  }
  await writers;
  expect(looks).toBeGreaterThan(5);
});

test('8 edits of one review at once keep the chain of previous ratings unbroken', async () => {
  for (let round = 0; round < 10; round += 1) {
    const product = await insertProduct(database.pool);
    const review = await insertReview(database.pool, product, 3);
    await onConnections(8, async (client, n) => {
      for (let i = 0; i < 5; i += 1) {
        await client.query('UPDATE reviews SET rating = $2 WHERE id = $1', [review, 1 + ((n * 3 + i) % 5)]);
      }
    });
    const events = await expectSound(product);
    events.slice(1).forEach(({ payload }, i) => expect(payload.previousRating).toBe(events[i]!.payload.rating));
  }
});

test('two imports over the same products in opposite order never deadlock', async () => {
  const products: string[] = [];
  for (let i = 0; i < 20; i += 1) products.push(await insertProduct(database.pool));
  for (let round = 0; round < 25; round += 1) {
    await onConnections(4, (client, n) =>
      client.query(
        `INSERT INTO reviews (product_id, rating)
         SELECT p.id, 4 FROM unnest($1::uuid[]) WITH ORDINALITY AS p (id, n), generate_series(1, 5)
          ORDER BY p.n * $2`,
        [products, n % 2 === 0 ? 1 : -1],
      ),
    );
  }
  for (const product of products) expect(await expectSound(product)).toHaveLength(25 * 4 * 5);
});

test('a product deleted while reviews are written, edited and deleted: its deletion is the last event', async () => {
  const allowed = new Set(['23503', '40P01']);
  for (let round = 0; round < 15; round += 1) {
    const product = await insertProduct(database.pool);
    const reviews = [await insertReview(database.pool, product, 1), await insertReview(database.pool, product, 2)];
    const codes: string[] = [];
    const tolerate = (error: { code: string }): void => void codes.push(error.code);
    await onConnections(7, async (client, n) => {
      await client.query('SELECT pg_sleep(random() * 0.002)');
      if (n === 0) await client.query('DELETE FROM products WHERE id = $1', [product]);
      else if (n < 4) {
        for (let i = 0; i < 4; i += 1) await insertReview(client, product, 5).then(() => undefined, tolerate);
      } else if (n < 6) {
        for (let i = 1; i < 5; i += 1) {
          await client.query('UPDATE reviews SET rating = $2 WHERE id = $1', [reviews[n % 2], i]).catch(tolerate);
        }
      } else await client.query('DELETE FROM reviews WHERE id = $1', [reviews[0]]).catch(tolerate);
    });
    expect(codes.filter((code) => !allowed.has(code))).toEqual([]);
    const events = await expectSound(product);
    expect(events.filter(({ type }) => type === 'product-deleted')).toHaveLength(1);
    expect(events.at(-1)!.type).toBe('product-deleted');
  }
});

test('a review that waits for a product being deleted is refused with 23503', async () => {
  const product = await insertProduct(database.pool);
  const deleting = await database.pool.connect();
  await deleting.query('BEGIN');
  await deleting.query('DELETE FROM products WHERE id = $1', [product]);
  const insert = expect(insertReview(database.pool, product, 4)).rejects.toMatchObject({
    code: '23503',
    constraint: 'reviews_product_id_fkey',
  });
  await deleting.query('COMMIT');
  deleting.release();
  await insert;
  expect(await outboxEvents(database.pool, product)).toHaveLength(1);
});
