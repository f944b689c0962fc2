import type pg from 'pg';
import { COMMON_WAY_API_ENTRY } from './entries.js';
import type { BenchService, World } from './world.js';

/** The common way beside the product: a database of its own, Redis database 1, a topic of its own. */
export interface CommonWay {
  readonly api: BenchService;
  readonly pool: pg.Pool;
}

/** Starts the API of the common way on an empty database. */
export async function startCommonWay(world: World): Promise<CommonWay> {
  const database = `${world.env['DATABASE_DB']}_common_way`;
  const pool = await world.createDatabase(database);
  const topic = await world.createTopic('common-way');
  const variables = { DATABASE_DB: database, KAFKA_TOPIC: topic };
  const api = await world.startProcess('common-way-api', COMMON_WAY_API_ENTRY, variables);
  return { api, pool };
}

/** Copies products and ratings, so that both ways answer the same. */
export async function copyCatalogue(world: World, { pool }: CommonWay, ids: readonly string[]): Promise<void> {
  for (let first = 0; first < ids.length; first += 1_000) {
    const chunk = ids.slice(first, first + 1_000);
    const { rows } = await world.pool.query<{ rows: unknown }>(
      `SELECT json_agg(json_build_object('id', id, 'name', name, 'description', coalesce(description, ''),
                                         'price', price_amount, 'createdAt', created_at)) AS rows
         FROM products WHERE id = ANY ($1::uuid[])`,
      [chunk],
    );
    await pool.query(
      `INSERT INTO products (id, name, description, price, "createdAt")
       SELECT id, name, description, price, "createdAt"
         FROM json_to_recordset($1::json) AS p (id uuid, name text, description text, price numeric, "createdAt" timestamptz)`,
      [JSON.stringify(rows[0]!.rows)],
    );
    const keys = chunk.flatMap((id) => [`product:${id}:rating`, `product:${id}:reviewCount`]);
    const values = await world.redis.mget(keys);
    const other = world.redis.duplicate({ db: 1 });
    try {
      await other.mset(keys.flatMap((key, i) => [key, values[i] ?? '0']));
    } finally {
      other.disconnect();
    }
  }
  await pool.query('VACUUM ANALYZE');
}
