import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Redis } from 'ioredis';
import pg from 'pg';

/**
 * The floor of reading: what a page of products costs where nothing is generic. `node:http`, a pool of 10, one prepared keyset
 * statement, one MGET of the public keys, `JSON.stringify`; no GraphQL, no validation, no errors, no limits.
 *
 *     GET /page?first=20                                     the newest products
 *     GET /page?first=20&createdAt=<timestamp>&id=<uuid>     what follows this one
 *
 * answers what the API answers to `products(first:, after:) { nodes { id name averageRating reviewCount } }`.
 */
const env = process.env;
const pool = new pg.Pool({
  host: env['DATABASE_HOST'],
  port: Number(env['DATABASE_PORT']),
  user: env['DATABASE_USER'],
  password: env['DATABASE_PASSWORD'],
  database: env['DATABASE_DB'],
  max: 10,
});
const redis = new Redis({ host: env['REDIS_HOST'] ?? '127.0.0.1', port: Number(env['REDIS_PORT']) });

const FIRST_PAGE = {
  name: 'first_page',
  text: 'SELECT id, name FROM products ORDER BY created_at DESC, id DESC LIMIT $1',
};
const NEXT_PAGE = {
  name: 'next_page',
  text: `SELECT id, name FROM products WHERE (created_at, id) < ($2::timestamptz, $3::uuid)
          ORDER BY created_at DESC, id DESC LIMIT $1`,
};

async function readPage(parameters: URLSearchParams): Promise<string> {
  const first = Number(parameters.get('first'));
  const createdAt = parameters.get('createdAt');
  const { rows } = await pool.query<{ id: string; name: string }>(
    createdAt === null
      ? { ...FIRST_PAGE, values: [first] }
      : { ...NEXT_PAGE, values: [first, createdAt, parameters.get('id')] },
  );
  const ratings = await redis.mget(rows.flatMap(({ id }) => [`product:${id}:rating`, `product:${id}:reviewCount`]));
  const nodes = rows.map(({ id, name }, i) => {
    const reviewCount = Number(ratings[2 * i + 1]);
    return { id, name, averageRating: reviewCount === 0 ? null : Number(ratings[2 * i]), reviewCount };
  });
  return JSON.stringify({ data: { products: { nodes } } });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/ready') {
    response.end();
    return;
  }
  const body = await readPage(url.searchParams);
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    response.writeHead(500);
    response.end(String(error));
  });
});
server.listen(Number(env['PORT']), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
