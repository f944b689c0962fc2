import type { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { createDataSource } from './data-source.js';
import { NEWEST_MIGRATION, unknownMigrations } from './migrations.js';
import { findSchemaProblems, RIGHTS } from './schema-check.js';

let database: TestDatabase;
let dataSource: DataSource;

beforeEach(async () => {
  database = await createTestDatabase();
  const options = { entities: [], poolSize: 1, statementTimeoutMs: 0, onPoolError: () => undefined };
  dataSource = await createDataSource(database.config, options).initialize();
});
afterEach(async () => {
  await dataSource.destroy();
  await database.drop();
});

test('a migrated database has had every file, in the order of their numbers; run again, nothing changes', async () => {
  const { rows } = await database.pool.query('SELECT name FROM schema_migrations ORDER BY id');
  const names = (rows as Array<{ name: string }>).map(({ name }) => name);
  const numbers = names.map((name) => name.slice(0, 4));
  expect(numbers).toEqual([...new Set(numbers)].sort());
  expect(names.at(-1)).toBe(NEWEST_MIGRATION);
  expect(await dataSource.runMigrations()).toEqual([]);
  expect(await unknownMigrations(dataSource)).toEqual([]);
});

test('the schema is checked for every table and view that a migration makes', async () => {
  const { rows } = await database.pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')`,
  );
  const made = rows.map(({ name }) => name);
  const checked = Object.keys(RIGHTS).filter((name) => !name.endsWith('_seq'));
  expect(checked.toSorted()).toEqual(made.toSorted());
});

test('without its newest migration a database counts as not migrated', async () => {
  expect(await findSchemaProblems(dataSource)).toEqual([]);
  await database.pool.query('DELETE FROM schema_migrations WHERE name = $1', [NEWEST_MIGRATION]);
  expect(await findSchemaProblems(dataSource)).toEqual([expect.stringMatching(/not migrated: run `npm run migrate`/)]);
});

test('a database from before the first release is named, with the way to begin anew', async () => {
  await database.pool.query(`UPDATE schema_migrations SET name = 'Catalogue1764000000000' WHERE id = 1`);
  await expect(unknownMigrations(dataSource)).rejects.toThrow(
    /^the database test_\w+ was made before the first release.*rm -rf \.stack\/start.*docker compose down -v.*drop and create/,
  );
});

test('migrations of a newer release are told and left', async () => {
  await database.pool.query(
    `INSERT INTO schema_migrations (timestamp, name) VALUES (9999, '9999-later-0000000009999')`,
  );
  expect(await unknownMigrations(dataSource)).toEqual(['9999-later-0000000009999']);
  expect(await dataSource.runMigrations()).toEqual([]);
});
