import type pg from 'pg';
import { newId } from '../graphql/ids.js';

/** Whatever runs a statement: a pool or a client. */
export type Runs = Pick<pg.Pool | pg.Client, 'query'>;

/** Inserts a product as a person in psql would. */
export async function insertProduct(db: Runs, { id = newId(), name = 'Lamp' } = {}): Promise<string> {
  await db.query(`INSERT INTO products (id, name, price_amount, price_currency) VALUES ($1, $2, 9.5, 'EUR')`, [
    id,
    name,
  ]);
  return id;
}

/** Inserts one review as a person in psql would. */
export async function insertReview(
  db: Runs,
  productId: string,
  rating: number,
  { id = newId(), status = 'PUBLISHED' } = {},
): Promise<string> {
  await db.query('INSERT INTO reviews (id, product_id, rating, status) VALUES ($1, $2, $3, $4)', [
    id,
    productId,
    rating,
    status,
  ]);
  return id;
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
