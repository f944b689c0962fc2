import { EnvReader } from '@exact-ratings/shared/config/env-reader.js';
import { readDatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import pg from 'pg';
import { progressLine, seconds } from '../progress.js';
import { SAMPLE_PRODUCTS } from './sample-products.js';
import { SAMPLE_AUTHORS, sampleExternalId, sampleReviews } from './sample-reviews.js';

/** The oldest product is from two years ago, the newest from three weeks ago. */
const INSERT_PRODUCTS = `
  INSERT INTO products (external_id, name, description, price_amount, price_currency, created_at, updated_at)
  SELECT p."externalId", p.name, p.description, p.amount, p."currencyCode", p.created_at, p.created_at
    FROM (SELECT *, now() - interval '730 days' * (1 - ordinality / (count(*) OVER () + 1.0::float8)) AS created_at
            FROM ROWS FROM (jsonb_to_recordset($1)
              AS ("externalId" text, name text, description text, amount numeric, "currencyCode" text)) WITH ORDINALITY) AS p`;

const INSERT_AUTHORS = `
  INSERT INTO authors (issuer, subject, display_name, created_at, updated_at)
  SELECT $2, subject, "displayName", now() - interval '730 days', now() - interval '730 days'
    FROM jsonb_to_recordset($1) AS (subject text, "displayName" text)`;

const INSERT_REVIEWS = `
  INSERT INTO reviews (product_id, author_id, rating, title, body, status, version, created_at, updated_at,
                       verified_purchase, reply_body, replied_at)
  SELECT p.id, a.id, r.rating, r.title, r.body, r.status, 1 + r.edited::integer, t.at,
         CASE WHEN r.edited THEN t.at + (now() - t.at) / 2 ELSE t.at END,
         r.verified, r.reply, CASE WHEN r.reply IS NOT NULL THEN t.at + (now() - t.at) / 3 END
    FROM jsonb_to_recordset($1) AS r ("externalId" text, author text, rating integer, title text, body text, status text,
                                      age double precision, edited boolean, verified boolean, reply text)
    JOIN products p ON p.external_id = r."externalId"
    LEFT JOIN authors a ON a.issuer = $2 AND a.subject = r.author
   CROSS JOIN LATERAL (SELECT p.created_at + (now() - p.created_at) * r.age AS at) AS t
   ORDER BY t.at`;

/** By authors who have not written the review themselves. */
const INSERT_VOTES = `
  INSERT INTO review_votes (review_id, voter_id)
  SELECT review.id, voter.id
    FROM jsonb_to_recordset($1) AS r ("externalId" text, author text, votes integer)
    JOIN products p ON p.external_id = r."externalId"
    JOIN authors a ON a.issuer = $2 AND a.subject = r.author
    JOIN reviews review ON review.product_id = p.id AND review.author_id = a.id
   CROSS JOIN LATERAL (SELECT v.id FROM authors v WHERE v.id <> a.id ORDER BY v.subject LIMIT r.votes) AS voter`;

/**
 * Writes a catalogue to look at, once for a stack: an empty database gets it, in one transaction, and one that holds products is left
 * alone. It is written to PostgreSQL, since the API dates nothing back; the triggers send the ratings through the whole pipeline.
 * @param env the variables of the services
 */
export async function writeSampleCatalogue(
  env: Readonly<Record<string, string | undefined>>,
  onProgress: (line: string) => void,
): Promise<void> {
  const began = Date.now();
  const client = new pg.Client(postgresOptions(readDatabaseConfig(new EnvReader(env), false), 'sample catalogue'));
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM products LIMIT 1');
    if (rowCount !== 0) {
      onProgress(progressLine('Catalogue', 'is there already'));
      return;
    }
    const issuer = env['JWT_ISSUER'] ?? '';
    const reviews = sampleReviews();
    await client.query('BEGIN');
    await client.query(INSERT_PRODUCTS, [
      JSON.stringify(SAMPLE_PRODUCTS.map((product, index) => ({ ...product, externalId: sampleExternalId(index) }))),
    ]);
    await client.query(INSERT_AUTHORS, [JSON.stringify(SAMPLE_AUTHORS), issuer]);
    await client.query(INSERT_REVIEWS, [JSON.stringify(reviews), issuer]);
    await client.query(INSERT_VOTES, [JSON.stringify(reviews), issuer]);
    await client.query('COMMIT');
    const written = `${reviews.length} reviews of ${SAMPLE_PRODUCTS.length} products written`;
    onProgress(progressLine('Catalogue', `${written} (${seconds(Date.now() - began)})`));
  } finally {
    await client.end();
  }
}
