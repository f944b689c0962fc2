import { readFile } from 'node:fs/promises';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { dumpSchema } from './schema-dump.js';

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const COMMITTED = new URL('../../sql/schema.sql', import.meta.url);

test('the committed schema is what the migrations make', async () => {
  expect(await dumpSchema(database.pool)).toBe(await readFile(COMMITTED, 'utf8'));
});

test.each([
  ['ALTER TABLE reviews ADD COLUMN note text', 'note text,'],
  ['ALTER TABLE products ALTER COLUMN external_id TYPE text COLLATE "POSIX"', 'external_id text COLLATE "POSIX"'],
  ['ALTER TABLE products DROP CONSTRAINT products_name_length', undefined],
  ['ALTER TABLE outbox SET (fillfactor = 90)', 'fillfactor=90'],
  ['CREATE INDEX extra_idx ON reviews (status)', 'CREATE INDEX extra_idx'],
  ['ALTER TABLE reviews DISABLE TRIGGER reviews_capture_update', 'DISABLE TRIGGER reviews_capture_update'],
  ['DROP TRIGGER reviews_refuse_truncate ON reviews', undefined],
  ['ALTER FUNCTION counted_rating STABLE', 'STABLE PARALLEL SAFE'],
  ['GRANT EXECUTE ON FUNCTION advance_review_sequence TO PUBLIC', undefined],
  ['DROP VIEW rating_aggregates CASCADE', undefined],
])('%s is seen', async (change, expected) => {
  await database.pool.query(change);
  const dump = await dumpSchema(database.pool);
  expect(dump).not.toBe(await readFile(COMMITTED, 'utf8'));
  if (expected !== undefined) expect(dump).toContain(expected);
});

test.each([
  'CREATE MATERIALIZED VIEW things AS SELECT 1',
  'CREATE SEQUENCE things',
  "CREATE TYPE things AS ENUM ('a')",
  'CREATE TABLE things (a integer) PARTITION BY LIST (a)',
])('what the dump would leave out is refused: %s', async (statement) => {
  await database.pool.query(statement);
  await expect(dumpSchema(database.pool)).rejects.toThrow('cannot write things');
});
