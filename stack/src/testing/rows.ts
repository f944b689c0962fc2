import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** Whatever runs a statement: a pool or a client. */
export type Runs = Pick<pg.Pool | pg.Client, 'query'>;

/** Inserts one product as a person in psql would. @returns its id */
export async function insertProduct(db: Runs, { id = randomUUID(), name = 'Lamp' } = {}): Promise<string> {
  await db.query(`INSERT INTO products (id, name, price_amount, price_currency) VALUES ($1, $2, 9.5, 'EUR')`, [
    id,
    name,
  ]);
  return id;
}

/** Inserts many products at once. @returns their ids */
export async function insertProducts(db: Runs, count: number): Promise<string[]> {
  const { rows } = await db.query(
    `INSERT INTO products (name, price_amount, price_currency)
     SELECT 'product ' || i, 9.5, 'EUR' FROM generate_series(1, $1) AS i RETURNING id`,
    [count],
  );
  return rows.map(({ id }: { id: string }) => id);
}

/** Inserts one review as a person in psql would. */
export async function insertReview(
  db: Runs,
  productId: string,
  rating: number,
  { id = randomUUID(), status = 'PUBLISHED' } = {},
): Promise<string> {
  await db.query('INSERT INTO reviews (id, product_id, rating, status) VALUES ($1, $2, $3, $4)', [
    id,
    productId,
    rating,
    status,
  ]);
  return id;
}

/** As many reviews for each product, with random ratings; the triggers write the events. */
export async function insertReviews(db: Runs, productIds: readonly string[], perProduct = 1): Promise<void> {
  await db.query(
    `INSERT INTO reviews (product_id, rating)
     SELECT id, 1 + floor(random() * 5) FROM unnest($1::uuid[]) AS id, generate_series(1, $2)`,
    [productIds, perProduct],
  );
}

/** Creates, edits, hides and deletes reviews of these products. */
export async function changeReviews(db: Runs, productIds: readonly string[]): Promise<void> {
  await insertReviews(db, productIds, 3);
  await db.query(
    `UPDATE reviews SET rating = 1 + floor(random() * 5) WHERE id IN
       (SELECT id FROM reviews WHERE product_id = ANY ($1) ORDER BY random() LIMIT $2)`,
    [productIds, productIds.length],
  );
  await db.query(
    `UPDATE reviews SET status = 'REJECTED' WHERE id IN
       (SELECT id FROM reviews WHERE product_id = ANY ($1) AND status = 'PUBLISHED' ORDER BY random() LIMIT $2)`,
    [productIds, Math.ceil(productIds.length / 3)],
  );
  await db.query(
    `DELETE FROM reviews WHERE id IN (SELECT id FROM reviews WHERE product_id = ANY ($1) ORDER BY random() LIMIT $2)`,
    [productIds, Math.ceil(productIds.length / 2)],
  );
}

/** One event of the outbox, its payload as the stream has it. */
export interface OutboxEvent {
  readonly position: number;
  readonly id: string;
  readonly aggregateid: string;
  readonly type: string;
  readonly seq: number;
  readonly payload: {
    readonly eventId: string;
    readonly type: string;
    readonly schemaVersion: number;
    readonly productId: string;
    readonly reviewId: string | null;
    readonly seq: number;
    readonly previousRating: number | null;
    readonly rating: number | null;
    readonly occurredAt: string;
  };
}

/** The outbox in the order in which the relay sends it; only one product's where an id is given. */
export async function outboxEvents(db: Runs, productId?: string): Promise<OutboxEvent[]> {
  const { rows } = await db.query(
    `SELECT position::integer AS position, id, aggregateid, type, seq, payload FROM outbox
      WHERE $1::uuid IS NULL OR aggregateid = $1 ORDER BY outbox.position`,
    [productId ?? null],
  );
  return rows as OutboxEvent[];
}

/** `[seq, type without its prefix, previousRating, rating]` of each event, in order: what most tests compare. */
export function changes(events: readonly OutboxEvent[]): unknown[][] {
  return events.map(({ seq, type, payload }) => [seq, type, payload.previousRating, payload.rating]);
}

/** The product's number and star counts as the view has them; null where the product is gone. */
export async function snapshot(db: Runs, productId: string): Promise<{ seq: number; stars: number[] } | null> {
  const { rows } = await db.query('SELECT * FROM rating_aggregates WHERE product_id = $1', [productId]);
  const row = rows[0] as Record<string, string | number> | undefined;
  if (row === undefined) return null;
  return { seq: row['last_seq'] as number, stars: [1, 2, 3, 4, 5].map((n) => Number(row[`stars_${n}`])) };
}
