import { parseReviewEvent } from '@exact-ratings/shared/events/review-event.js';
import { newId } from '../graphql/ids.js';
import { changes, insertProduct, insertReview, outboxEvents, snapshot } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const run = (text: string, values: unknown[] = []) => database.pool.query(text, values);

describe('every change of a review takes the next sequence number and writes its event', () => {
  test('insert, edit, text edit, deletion', async () => {
    const product = await insertProduct(database.pool);
    const review = await insertReview(database.pool, product, 4);
    await run('UPDATE reviews SET rating = 2 WHERE id = $1', [review]);
    await run(`UPDATE reviews SET body = 'words' WHERE id = $1`, [review]);
    await run('DELETE FROM reviews WHERE id = $1', [review]);

    const events = await outboxEvents(database.pool, product);
    expect(changes(events)).toEqual([
      [1, 'review-created', null, 4],
      [2, 'review-updated', 4, 2],
      [3, 'review-updated', 2, 2],
      [4, 'review-deleted', 2, null],
    ]);
    expect(events.map(({ payload }) => payload.reviewId)).toEqual([review, review, review, review]);
    expect(await snapshot(database.pool, product)).toEqual({ seq: 4, stars: [0, 0, 0, 0, 0] });
  });

  test('each event keeps the contract, and its columns say what the payload says', async () => {
    const product = await insertProduct(database.pool);
    const review = await insertReview(database.pool, product, 5);
    await run('UPDATE reviews SET rating = 1 WHERE id = $1', [review]);
    await run('DELETE FROM products WHERE id = $1', [product]);
    const events = await outboxEvents(database.pool, product);
    expect(events).toHaveLength(3);
    for (const event of events) {
      const value = Buffer.from(JSON.stringify(event.payload));
      expect(parseReviewEvent(Buffer.from(event.aggregateid), value)).toMatchObject({ ok: true });
      expect(event).toMatchObject({ id: event.payload.eventId, type: event.payload.type, seq: event.payload.seq });
      expect(Math.abs(Date.now() - Date.parse(event.payload.occurredAt))).toBeLessThan(60_000);
    }
  });

  test('a status that does not count is null in the event', async () => {
    const product = await insertProduct(database.pool);
    const review = await insertReview(database.pool, product, 4, { status: 'PENDING' });
    for (const change of [
      `status = 'PUBLISHED'`,
      `status = 'REJECTED'`,
      'rating = 5',
      `status = 'PUBLISHED', rating = 3`,
      `status = 'PENDING'`,
    ]) {
      await run(`UPDATE reviews SET ${change} WHERE id = $1`, [review]);
    }
    await run('DELETE FROM reviews WHERE id = $1', [review]);
    expect(changes(await outboxEvents(database.pool, product))).toEqual([
      [1, 'review-created', null, null],
      [2, 'review-updated', null, 4],
      [3, 'review-updated', 4, null],
      [4, 'review-updated', null, null],
      [5, 'review-updated', null, 3],
      [6, 'review-updated', 3, null],
      [7, 'review-deleted', null, null],
    ]);
  });

  test('one statement over several products numbers each product by itself', async () => {
    const products = [await insertProduct(database.pool), await insertProduct(database.pool)];
    await run(
      `INSERT INTO reviews (product_id, rating)
       SELECT p.id, r.rating FROM unnest($1::uuid[]) p (id), generate_series(1, 5) r (rating) ORDER BY random()`,
      [products],
    );
    await run('UPDATE reviews SET rating = 6 - rating WHERE product_id = ANY ($1) AND rating <> 3', [products]);
    await run('DELETE FROM reviews WHERE product_id = ANY ($1) AND rating > 3', [products]);
    for (const product of products) {
      const events = await outboxEvents(database.pool, product);
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 11 }, (_, i) => i + 1));
      expect(events.map(({ type }) => type.replace('review-', ''))).toEqual([
        ...Array<string>(5).fill('created'),
        ...Array<string>(4).fill('updated'),
        ...Array<string>(2).fill('deleted'),
      ]);
      expect(await snapshot(database.pool, product)).toEqual({ seq: 11, stars: [1, 1, 1, 0, 0] });
    }
  });

  test('COPY, MERGE, upserts and data-modifying WITH are captured too', async () => {
    const product = await insertProduct(database.pool);
    const author = newId();
    await run(`INSERT INTO authors (id, issuer, subject, display_name) VALUES ($1, '', $2, 'A')`, [author, author]);
    const upsert = `INSERT INTO reviews (product_id, author_id, rating) VALUES ($1, $2, $3)
                    ON CONFLICT (author_id, product_id) DO UPDATE SET rating = EXCLUDED.rating`;
    await run(upsert, [product, author, 2]);
    await run(upsert, [product, author, 4]);
    await run(
      `MERGE INTO reviews r USING (VALUES ($1::uuid, $2::uuid)) AS s (product_id, author_id)
         ON r.product_id = s.product_id AND r.author_id = s.author_id
       WHEN MATCHED THEN UPDATE SET rating = 5`,
      [product, author],
    );
    await run(
      `WITH gone AS (DELETE FROM reviews WHERE product_id = $1 RETURNING product_id)
       INSERT INTO reviews (product_id, rating) SELECT product_id, 1 FROM gone`,
      [product],
    );
    const events = await outboxEvents(database.pool, product);
    expect(changes(events.slice(0, 3))).toEqual([
      [1, 'review-created', null, 2],
      [2, 'review-updated', 2, 4],
      [3, 'review-updated', 4, 5],
    ]);
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(
      events
        .slice(3)
        .map(({ type, payload }) => [type, payload.previousRating, payload.rating])
        .sort(),
    ).toEqual([
      ['review-created', null, 1],
      ['review-deleted', 5, null],
    ]);
  });
});

describe('what is no change takes no number', () => {
  test('updates without effect, and statements without rows', async () => {
    const product = await insertProduct(database.pool);
    const review = await insertReview(database.pool, product, 4);
    await run('UPDATE reviews SET rating = rating, title = title WHERE id = $1', [review]);
    await run('UPDATE reviews SET rating = 1 WHERE product_id = $1 AND rating = 5', [product]);
    await run('DELETE FROM reviews WHERE product_id = $1 AND rating = 5', [product]);
    await run('INSERT INTO reviews (product_id, rating) SELECT $1, 5 WHERE false', [product]);
    expect(changes(await outboxEvents(database.pool, product))).toEqual([[1, 'review-created', null, 4]]);
    expect(await snapshot(database.pool, product)).toEqual({ seq: 1, stars: [0, 0, 0, 1, 0] });
  });

  test('only the changed rows of a statement are events', async () => {
    const product = await insertProduct(database.pool);
    const first = await insertReview(database.pool, product, 4);
    await insertReview(database.pool, product, 5);
    await run('UPDATE reviews SET rating = 5 WHERE product_id = $1', [product]);
    const events = await outboxEvents(database.pool, product);
    expect(changes(events.slice(2))).toEqual([[3, 'review-updated', 4, 5]]);
    expect(events[2]!.payload.reviewId).toBe(first);
  });

  test('a rollback leaves neither hole nor event, also to a savepoint', async () => {
    const product = await insertProduct(database.pool);
    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      await insertReview(client, product, 5);
      await client.query('ROLLBACK');
      await client.query('BEGIN');
      await insertReview(client, product, 4);
      await client.query('SAVEPOINT s');
      await insertReview(client, product, 3);
      await client.query('ROLLBACK TO s');
      await insertReview(client, product, 2);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    expect(changes(await outboxEvents(database.pool, product))).toEqual([
      [1, 'review-created', null, 4],
      [2, 'review-created', null, 2],
    ]);
    expect(await snapshot(database.pool, product)).toEqual({ seq: 2, stars: [0, 1, 0, 1, 0] });
  });
});

describe('what would make a rating inexact is refused', () => {
  test('moving a review to another product, or changing its id', async () => {
    const product = await insertProduct(database.pool);
    const other = await insertProduct(database.pool);
    const review = await insertReview(database.pool, product, 4);
    const move = 'UPDATE reviews SET product_id = $2 WHERE id = $1';
    await expect(run(move, [review, other])).rejects.toMatchObject({ code: '23000' });
    const renumber = 'UPDATE reviews SET id = $2 WHERE id = $1';
    await expect(run(renumber, [review, newId()])).rejects.toMatchObject({ code: '23000' });
    await run('UPDATE reviews SET product_id = product_id, id = id WHERE id = $1', [review]);
    expect(await outboxEvents(database.pool, product)).toHaveLength(1);
    expect(await outboxEvents(database.pool, other)).toHaveLength(0);
  });

  test.each(['TRUNCATE reviews', 'TRUNCATE products CASCADE', 'TRUNCATE authors, reviews'])('%s', async (statement) => {
    const product = await insertProduct(database.pool);
    await insertReview(database.pool, product, 4);
    await expect(run(statement)).rejects.toMatchObject({ code: '0A000' });
    expect(await snapshot(database.pool, product)).toEqual({ seq: 1, stars: [0, 0, 0, 1, 0] });
  });

  test('a review of an unknown product breaks the foreign key, by its own code and name', async () => {
    await expect(insertReview(database.pool, newId(), 4)).rejects.toMatchObject({
      code: '23503',
      constraint: 'reviews_product_id_fkey',
    });
  });

  test.each([0, 6, -1])('a rating of %i', async (rating) => {
    const product = await insertProduct(database.pool);
    await expect(insertReview(database.pool, product, rating)).rejects.toMatchObject({ code: '23514' });
    expect(await snapshot(database.pool, product)).toMatchObject({ seq: 0 });
  });

  test('a second review by one author of one product', async () => {
    const product = await insertProduct(database.pool);
    const author = newId();
    await run(`INSERT INTO authors (id, issuer, subject, display_name) VALUES ($1, '', $2, 'A')`, [author, author]);
    const insert = 'INSERT INTO reviews (product_id, author_id, rating) VALUES ($1, $2, 5)';
    await run(insert, [product, author]);
    await expect(run(insert, [product, author])).rejects.toMatchObject({
      code: '23505',
      constraint: 'reviews_author_id_product_id_key',
    });
  });
});

describe('deleting a product', () => {
  test('is one event with the sequence number after the last, whatever it takes along', async () => {
    const product = await insertProduct(database.pool);
    const other = await insertProduct(database.pool);
    await run('INSERT INTO reviews (product_id, rating) SELECT $1, 1 + n % 5 FROM generate_series(1, 50) n', [product]);
    await insertReview(database.pool, other, 3);
    await run('DELETE FROM products WHERE id = $1', [product]);

    const events = await outboxEvents(database.pool, product);
    expect(events).toHaveLength(51);
    expect(events.at(-1)).toMatchObject({
      type: 'product-deleted',
      seq: 51,
      payload: { productId: product, reviewId: null, seq: 51, previousRating: null, rating: null },
    });
    expect(await snapshot(database.pool, product)).toBeNull();
    const { rowCount } = await run('SELECT FROM reviews WHERE product_id = $1', [product]);
    expect(rowCount).toBe(0);
    expect(await snapshot(database.pool, other)).toEqual({ seq: 1, stars: [0, 0, 1, 0, 0] });
  });

  test('several at once, one without reviews', async () => {
    const products = [await insertProduct(database.pool), await insertProduct(database.pool)];
    await insertReview(database.pool, products[0]!, 3);
    await run('DELETE FROM products WHERE id = ANY ($1)', [products]);
    expect(changes(await outboxEvents(database.pool, products[0]))).toEqual([
      [1, 'review-created', null, 3],
      [2, 'product-deleted', null, null],
    ]);
    expect(changes(await outboxEvents(database.pool, products[1]))).toEqual([[1, 'product-deleted', null, null]]);
  });

  test('rolled back, it leaves everything as it was', async () => {
    const product = await insertProduct(database.pool);
    await insertReview(database.pool, product, 3);
    const client = await database.pool.connect();
    await client.query('BEGIN');
    await client.query('DELETE FROM products WHERE id = $1', [product]);
    await client.query('ROLLBACK');
    client.release();
    await insertReview(database.pool, product, 4);
    expect(changes(await outboxEvents(database.pool, product))).toEqual([
      [1, 'review-created', null, 3],
      [2, 'review-created', null, 4],
    ]);
  });

  test('an author whose reviews exist cannot be deleted; erased, the reviews stay and count', async () => {
    const product = await insertProduct(database.pool);
    const author = newId();
    await run(`INSERT INTO authors (id, issuer, subject, display_name) VALUES ($1, '', $2, 'A')`, [author, author]);
    await run('INSERT INTO reviews (product_id, author_id, rating) VALUES ($1, $2, 5)', [product, author]);
    await expect(run('DELETE FROM authors WHERE id = $1', [author])).rejects.toMatchObject({ code: '23503' });
    await run('UPDATE reviews SET author_id = NULL WHERE author_id = $1', [author]);
    await run('DELETE FROM authors WHERE id = $1', [author]);
    expect(changes(await outboxEvents(database.pool, product))).toEqual([[1, 'review-created', null, 5]]);
  });
});

describe('what was loaded with triggers off', () => {
  /** A session in which triggers do not fire, as of a loader or of logical replication. */
  async function withoutTriggers(statement: string, values: unknown[]): Promise<void> {
    const client = await database.pool.connect();
    try {
      await client.query("SET session_replication_role = 'replica'");
      await client.query(statement, values);
    } finally {
      client.release(true);
    }
  }
  const loadProduct = async (): Promise<string> => {
    const id = newId();
    const insert = "INSERT INTO products (id, name, price_amount, price_currency) VALUES ($1, 'Loaded', 1, 'EUR')";
    await withoutTriggers(insert, [id]);
    await withoutTriggers('INSERT INTO reviews (product_id, rating) SELECT $1, 5 FROM generate_series(1, 3)', [id]);
    return id;
  };

  test('counts at once, with the sequence number 0 that tells it', async () => {
    expect(await snapshot(database.pool, await loadProduct())).toEqual({ seq: 0, stars: [0, 0, 0, 0, 3] });
  });

  test('gets its stream with the next change, of whatever kind', async () => {
    for (const [statement, type] of [
      ['INSERT INTO reviews (product_id, rating) VALUES ($1, 1)', 'review-created'],
      [
        'UPDATE reviews SET rating = 1 WHERE id = (SELECT id FROM reviews WHERE product_id = $1 LIMIT 1)',
        'review-updated',
      ],
      ['DELETE FROM reviews WHERE id = (SELECT id FROM reviews WHERE product_id = $1 LIMIT 1)', 'review-deleted'],
    ] as const) {
      const product = await loadProduct();
      await run(statement, [product]);
      const events = await outboxEvents(database.pool, product);
      expect(events.map(({ seq, type: kind }) => [seq, kind])).toEqual([[1, type]]);
      expect(await snapshot(database.pool, product)).toMatchObject({ seq: 1 });
    }
  });

  test('two first changes at once take two numbers', async () => {
    const product = await loadProduct();
    await Promise.all([1, 2, 3, 4].map((rating) => insertReview(database.pool, product, rating)));
    expect((await outboxEvents(database.pool, product)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  test('can be deleted, and advanced by the worker', async () => {
    const [deleted, moved] = [await loadProduct(), await loadProduct()];
    await run('DELETE FROM products WHERE id = $1', [deleted]);
    expect(changes(await outboxEvents(database.pool, deleted))).toEqual([[1, 'product-deleted', null, null]]);
    const { rows } = await run('SELECT advance_review_sequence($1, 7) AS seq', [moved]);
    expect(rows).toEqual([{ seq: 7 }]);
    expect(await snapshot(database.pool, moved)).toEqual({ seq: 7, stars: [0, 0, 0, 0, 3] });
  });
});

describe('a product that is marked as deleted, its reviews still there', () => {
  async function markedProduct(): Promise<{ product: string; review: string }> {
    const product = await insertProduct(database.pool);
    const review = await insertReview(database.pool, product, 4);
    await run('UPDATE products SET deleted_at = now() WHERE id = $1', [product]);
    return { product, review };
  }

  test('has its last event, no rating, and takes no change', async () => {
    const { product, review } = await markedProduct();
    await expect(insertReview(database.pool, product, 5)).rejects.toMatchObject({
      code: '23503',
      constraint: 'reviews_product_id_fkey',
    });
    await expect(run('UPDATE reviews SET rating = 1 WHERE id = $1', [review])).rejects.toMatchObject({ code: '23503' });
    await expect(run('UPDATE products SET deleted_at = NULL WHERE id = $1', [product])).rejects.toMatchObject({
      code: '23000',
    });
    expect(changes(await outboxEvents(database.pool, product))).toEqual([
      [1, 'review-created', null, 4],
      [2, 'product-deleted', null, null],
    ]);
    expect(await snapshot(database.pool, product)).toBeNull();
    const advanced = await run('SELECT advance_review_sequence($1, 100) AS seq', [product]);
    expect(advanced.rows).toEqual([{ seq: null }]);
  });

  test('is removed piece by piece, without another event', async () => {
    const { product } = await markedProduct();
    await withReviews(product, 3);
    const steps: boolean[] = [];
    do {
      const { rows } = await run('SELECT remove_deleted_products(2) AS worked');
      steps.push((rows as Array<{ worked: boolean }>)[0]!.worked);
    } while (steps.at(-1) && steps.length < 50);
    const { rowCount } = await run('SELECT FROM products WHERE id = $1', [product]);
    expect(rowCount).toBe(0);
    expect((await run('SELECT FROM review_streams WHERE product_id = $1', [product])).rowCount).toBe(0);
    expect(await outboxEvents(database.pool, product)).toHaveLength(2);
  });

  async function withReviews(product: string, count: number): Promise<void> {
    const client = await database.pool.connect();
    await client.query("SET session_replication_role = 'replica'");
    await client.query('INSERT INTO reviews (product_id, rating) SELECT $1, 4 FROM generate_series(1, $2)', [
      product,
      count,
    ]);
    client.release(true);
  }
});

test('triggers find their tables whatever search path fires them', async () => {
  const client = await database.pool.connect();
  try {
    await client.query("SET search_path = ''");
    const product = newId();
    await client.query(
      "INSERT INTO public.products (id, name, price_amount, price_currency) VALUES ($1, 'P', 1, 'EUR')",
      [product],
    );
    await client.query('INSERT INTO public.reviews (product_id, rating) VALUES ($1, 5)', [product]);
    await client.query('UPDATE public.reviews SET rating = 1 WHERE product_id = $1', [product]);
    await client.query('DELETE FROM public.products WHERE id = $1', [product]);
    expect((await outboxEvents(database.pool, product)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  } finally {
    client.release(true);
  }
});
