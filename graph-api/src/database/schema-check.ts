import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { DataSource } from 'typeorm';
import { NEWEST_MIGRATION } from './migrations.js';

/** What the service does to each table and view, and to sequences by name; triggers run with its rights. */
export const RIGHTS: Readonly<Record<string, string>> = {
  schema_migrations: 'SELECT',
  products: 'SELECT, INSERT, UPDATE, DELETE',
  authors: 'SELECT, INSERT, UPDATE, DELETE',
  reviews: 'SELECT, INSERT, UPDATE, DELETE',
  review_decisions: 'SELECT, INSERT, UPDATE',
  review_votes: 'SELECT, INSERT, DELETE',
  review_vote_counts: 'SELECT, INSERT, UPDATE, DELETE',
  review_streams: 'SELECT, INSERT, UPDATE, DELETE',
  idempotency_keys: 'SELECT, INSERT, DELETE',
  outbox: 'SELECT, INSERT, DELETE',
  outbox_position_seq: 'SELECT',
  rating_aggregates: 'SELECT',
  product_ratings: 'SELECT, INSERT',
  product_rating_days: 'SELECT',
  persisted_ratings: '',
};
const CAPTURED_TABLES = ['products', 'reviews'];

interface SchemaRow {
  readonly role: string;
  readonly searchPath: string;
  /** Of each of them that is found, its schema and the rights that the role lacks. */
  readonly found: ReadonlyArray<{ readonly name: string; readonly schema: string; readonly lacking: string[] | null }>;
  /** Tables with a trigger that does not run. */
  readonly silenced: readonly string[];
}

const READ_SCHEMA = `
  SELECT quote_ident(current_user) AS role, current_setting('search_path') AS "searchPath",
         coalesce((
           SELECT json_agg(json_build_object('name', w.name, 'schema', c.relnamespace::regnamespace::text, 'lacking',
                    (SELECT array_agg(r) FROM unnest(string_to_array(w.rights, ', ')) AS r
                      WHERE NOT has_table_privilege(c.oid, r))) ORDER BY w.name)
             FROM unnest($1::text[], $2::text[]) AS w (name, rights)
             JOIN pg_class c ON c.oid = to_regclass(w.name)), '[]') AS found,
         ARRAY(SELECT DISTINCT t.tgrelid::regclass::text FROM pg_trigger t
                WHERE t.tgrelid IN (SELECT to_regclass(name) FROM unnest($3::text[]) AS name)
                  AND t.tgenabled IN ('D', 'R')) AS silenced`;

/**
 * What keeps the service from using the database's schema as it is.
 * @returns a sentence for each problem, with what to do; none where all is well
 * @throws PostgreSQL's error where it does not answer
 */
export async function findSchemaProblems(dataSource: DataSource): Promise<string[]> {
  const [row] = await dataSource.query<SchemaRow[]>(READ_SCHEMA, [
    Object.keys(RIGHTS),
    Object.values(RIGHTS),
    CAPTURED_TABLES,
  ]);
  const { role, searchPath, found, silenced } = row!;
  const migrations = found.find(({ name }) => name === 'schema_migrations');
  const unmigrated =
    `the database is not migrated: run \`npm run migrate\` (the role ${role} looks in ${searchPath || 'no schema'}, ` +
    'its search_path)';
  if (migrations === undefined) return [unmigrated];

  const problems: string[] = [];
  const lacking = found.filter(({ lacking }) => lacking !== null);
  for (const { name, schema, lacking: rights } of lacking) {
    problems.push(
      `the role ${role} has no right to ${rights!.join(', ')} on ${schema}.${name}: ` +
        `GRANT ${RIGHTS[name]} ON ${schema}.${name} TO ${role}`,
    );
  }
  const elsewhere = found.filter(({ schema }) => schema !== migrations.schema);
  for (const { name, schema } of elsewhere) {
    problems.push(
      `${name} is found in the schema ${schema}, and the others in ${migrations.schema}: put ${migrations.schema} first ` +
        `in the search_path of ${role}`,
    );
  }
  for (const table of silenced) {
    problems.push(
      `triggers of ${table} are switched off, so changes are not captured: ALTER TABLE ${table} ENABLE TRIGGER ALL, ` +
        'then `npm run ratings -- audit --repair`',
    );
  }
  if (problems.length > 0) return problems;
  return (await hasNewestMigration(dataSource)) ? [] : [unmigrated];
}

async function hasNewestMigration(dataSource: DataSource): Promise<boolean> {
  const rows: unknown[] = await dataSource.query('SELECT FROM schema_migrations WHERE name = $1', [NEWEST_MIGRATION]);
  return rows.length > 0;
}

/** Whether the service can use the schema; logs what keeps it from that, once until it changes. */
export class SchemaCheck {
  private logged = '';

  constructor(
    private readonly dataSource: DataSource,
    private readonly logger: Logger,
  ) {}

  /** Rejects where PostgreSQL does not answer. */
  async isUsable(): Promise<boolean> {
    if (!this.dataSource.isInitialized) return false;
    const problems = await findSchemaProblems(this.dataSource);
    const text = problems.join('\n');
    if (problems.length > 0 && text !== this.logged) {
      this.logger.error({ problems }, 'the database cannot be used as it is');
    }
    this.logged = text;
    return problems.length === 0;
  }
}

/** The tables of a migrated database, all of which a migration makes. */
const OUR_TABLES = Object.keys(RIGHTS).filter((name) => name !== 'schema_migrations');

interface TargetRow {
  readonly role: string;
  readonly schema: string | null;
  readonly searchPath: string;
  readonly mayCreate: boolean | null;
  readonly recorded: boolean;
  readonly taken: readonly string[];
}

const READ_TARGET = `
  SELECT quote_ident(current_user) AS role, quote_ident(current_schema()) AS schema,
         current_setting('search_path') AS "searchPath",
         has_schema_privilege(current_schema(), 'CREATE') AS "mayCreate",
         EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                  WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = 'schema_migrations'
                    AND a.attname = 'name') AS recorded,
         ARRAY(SELECT c.relname::text FROM pg_class c
                WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
                  AND c.relname = ANY ($1) ORDER BY 1) AS taken`;

/**
 * Whether migrations have been recorded in the schema in which this role creates tables.
 * @throws Error where there is no such schema, or a first migration cannot create its tables in it
 */
export async function requireTargetSchema(dataSource: DataSource): Promise<{ readonly recorded: boolean }> {
  const [row] = await dataSource.query<TargetRow[]>(READ_TARGET, [[...OUR_TABLES, 'schema_migrations']]);
  const { role, schema, searchPath, mayCreate, recorded, taken } = row!;
  if (schema === null) {
    throw new Error(
      `the role ${role} has no schema to create tables in (its search_path is ${searchPath || 'empty'}): ` +
        `CREATE SCHEMA ratings AUTHORIZATION ${role}, and ALTER ROLE ${role} SET search_path = ratings`,
    );
  }
  if (mayCreate !== true) {
    throw new Error(
      `the role ${role} may not create tables in the schema ${schema}: GRANT CREATE ON SCHEMA ${schema} TO ${role}, or ` +
        `CREATE SCHEMA ratings AUTHORIZATION ${role} and ALTER ROLE ${role} SET search_path = ratings`,
    );
  }
  if (!recorded && taken.length > 0) {
    throw new Error(
      `the schema ${schema} has tables of another program (${taken.join(', ')}): give this one a schema of its own, ` +
        `CREATE SCHEMA ratings AUTHORIZATION ${role} and ALTER ROLE ${role} SET search_path = ratings`,
    );
  }
  return { recorded };
}
