import type pg from 'pg';
import { randomUUID } from 'node:crypto';

/** An event of the outbox as a message of the log. */
export interface LogMessage {
  readonly key: string;
  readonly value: string;
}

/** The rows of all tables of some products, at one moment. */
export type PostgresCopy = Readonly<Record<(typeof TABLES)[number]['name'], string>>;

const TABLES = [
  { name: 'products', productId: 'id' },
  // The issuer is the id of the first product.
  { name: 'authors', productId: 'issuer' },
  { name: 'review_streams', productId: 'product_id' },
  { name: 'product_ratings', productId: 'product_id' },
  { name: 'product_rating_days', productId: 'product_id' },
  { name: 'reviews', productId: 'product_id' },
  { name: 'outbox', productId: 'aggregateid' },
] as const;

/** The id of the $2nd review of the product $1, counted from the start again past the last; null where it has none. */
const NTH_REVIEW = `(SELECT id FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) - 1 AS n, count(*) OVER () AS total
                        FROM reviews WHERE product_id = $1) numbered WHERE n = $2::integer % total)`;

/** PostgreSQL as a history changes it: plain statements and the functions of moderators and of erasures, which the real triggers capture. */
export class ReviewsInPostgres {
  /** How many reviews were inserted for each product; the nth of each are by the same author. */
  readonly #inserted = new Map<string, number>();

  constructor(
    readonly pool: pg.Pool,
    readonly productIds: readonly string[],
  ) {}

  static async create(pool: pg.Pool, products: number): Promise<ReviewsInPostgres> {
    const ids = Array.from({ length: products }, () => randomUUID());
    await pool.query(
      `INSERT INTO products (id, name, price_amount, price_currency) SELECT id, 'P', 1, 'EUR' FROM unnest($1::uuid[]) id`,
      [ids],
    );
    return new ReviewsInPostgres(pool, ids);
  }

  /** Several reviews by one statement; nothing where the product is gone. */
  async insertReviews(productId: string, ratings: readonly number[], status: string): Promise<void> {
    const before = this.#inserted.get(productId) ?? 0;
    this.#inserted.set(productId, before + ratings.length);
    await this.pool.query({
      name: 'create',
      text: `INSERT INTO reviews (product_id, rating, status, author_id)
             SELECT $1, rating, $3, hold_author(gen_random_uuid(), $4, ($5::integer + nth)::text, NULL)
               FROM unnest($2::integer[]) WITH ORDINALITY r (rating, nth) WHERE EXISTS (SELECT FROM products WHERE id = $1)`,
      values: [productId, ratings, status, this.productIds[0], before],
    });
  }

  /** Changes, or with null deletes, the nth review of the product, if it has any. */
  async changeReview(productId: string, nth: number, set: string | null, value?: unknown): Promise<void> {
    await this.pool.query({
      name: `change ${set}`,
      text:
        set === null
          ? `DELETE FROM reviews WHERE id = ${NTH_REVIEW}`
          : `UPDATE reviews SET ${set} = $3, version = version + 1 WHERE id = ${NTH_REVIEW}`,
      values: set === null ? [productId, nth] : [productId, nth, value],
    });
  }

  /** Decides about the nth review of the product, if it has any and the decision is one. */
  async moderateReview(productId: string, nth: number, status: string): Promise<void> {
    await this.pool.query({
      name: 'moderate',
      text: `SELECT FROM moderate_review(${NTH_REVIEW}, gen_random_uuid(), '', 'moderator', NULL, NULL, $3, 'Why.', false, NULL)`,
      values: [productId, nth, status],
    });
  }

  /** Erases the author of the nth review of the product, if it has one, in the smallest batches. */
  async eraseAuthor(productId: string, nth: number, reviews: string): Promise<void> {
    const { rows } = await this.pool.query<{ author_id: string }>({
      name: 'author',
      text: `SELECT author_id FROM reviews WHERE id = ${NTH_REVIEW} AND author_id IS NOT NULL`,
      values: [productId, nth],
    });
    for (const { author_id } of rows) {
      await this.pool.query('SELECT erase_author($1, $2, NULL)', [author_id, reviews]);
      const removeOne = { name: 'erase', text: 'SELECT remove_erased_author($1, 1) AS more', values: [author_id] };
      while ((await this.pool.query<{ more: boolean }>(removeOne)).rows[0]!.more);
    }
  }

  async deleteProduct(productId: string): Promise<void> {
    await this.pool.query('DELETE FROM products WHERE id = $1', [productId]);
  }

  /** Takes what is in the outbox, in the relay's order. */
  async takeOutbox(): Promise<LogMessage[]> {
    const { rows } = await this.pool.query<{ aggregateid: string; payload: string; position: string }>({
      name: 'take outbox',
      text: 'DELETE FROM outbox WHERE aggregateid = ANY ($1) RETURNING aggregateid, payload::text AS payload, position',
      values: [this.productIds],
    });
    return rows
      .sort((a, b) => Number(a.position) - Number(b.position))
      .map(({ aggregateid, payload }) => ({ key: aggregateid, value: payload }));
  }

  async copy(): Promise<PostgresCopy> {
    const copies = await Promise.all(
      TABLES.map(async ({ name, productId }) => {
        const { rows } = await this.pool.query<{ copy: string }>(
          `SELECT coalesce(json_agg(t), '[]')::text AS copy FROM ${name} t WHERE ${productId} = ANY ($1)`,
          [this.productIds],
        );
        return [name, rows[0]!.copy] as const;
      }),
    );
    return Object.fromEntries(copies) as PostgresCopy;
  }

  /** Puts the rows of the copy in the place of the present ones, with the triggers off. */
  async putBack(copy: PostgresCopy): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SET LOCAL session_replication_role = replica');
      for (const { name, productId } of TABLES) {
        await client.query(`DELETE FROM ${name} WHERE ${productId} = ANY ($1)`, [this.productIds]);
        const { rows } = await client.query<{ columns: string }>(
          `SELECT string_agg(attname, ', ') AS columns FROM pg_attribute
            WHERE attrelid = $1::regclass AND attnum > 0 AND attgenerated = ''`,
          [name],
        );
        const { columns } = rows[0]!;
        await client.query(
          `INSERT INTO ${name} (${columns}) OVERRIDING SYSTEM VALUE
           SELECT ${columns} FROM json_populate_recordset(NULL::${name}, $1::json)`,
          [copy[name]],
        );
      }
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }

  /**
   * Each product's position and star counts as they are persisted, and the counts of the last day on which they moved (those of the
   * product where it has none); undefined where it has no row.
   */
  async persisted(): Promise<unknown[]> {
    const stars = 'ARRAY[stars_1, stars_2, stars_3, stars_4, stars_5]';
    const { rows } = await this.pool.query<{ product_id: string }>({
      name: 'persisted',
      text: `SELECT product_id, seq, right(last_event_id::text, 8) AS "eventTag", ${stars} AS stars,
                    coalesce((SELECT ${stars} FROM product_rating_days d
                               WHERE d.product_id = r.product_id ORDER BY day DESC LIMIT 1), ${stars}) AS "lastDay"
               FROM product_ratings r WHERE product_id = ANY ($1)`,
      values: [this.productIds],
    });
    const found = new Map(rows.map(({ product_id, ...rating }) => [product_id, rating]));
    return this.productIds.map((id) => found.get(id));
  }

  /** Each product's position and star counts, straight from the reviews; undefined where it is gone. */
  async truth(): Promise<Array<{ seq: number; eventTag: string; stars: number[] } | undefined>> {
    const { rows } = await this.pool.query<{ product_id: string; last_seq: number; tag: string; stars: number[] }>({
      name: 'truth',
      text: `SELECT s.product_id, s.last_seq, right(s.last_event_id::text, 8) AS tag, ARRAY(
               SELECT (SELECT count(*)::integer FROM reviews r
                        WHERE r.product_id = s.product_id AND r.rating = n AND r.status = 'PUBLISHED')
                 FROM generate_series(1, 5) n ORDER BY n) AS stars
             FROM review_streams s WHERE s.product_id = ANY ($1)`,
      values: [this.productIds],
    });
    const found = new Map(
      rows.map((row) => [row.product_id, { seq: row.last_seq, eventTag: row.tag, stars: row.stars }]),
    );
    return this.productIds.map((id) => found.get(id));
  }
}
