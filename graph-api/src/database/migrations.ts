import { readdirSync, readFileSync } from 'node:fs';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { LIFT_TIME_LIMITS } from './transaction-limits.js';

/** `graph-api/sql/migrations`: the same path from `src` and from `dist`. */
const DIRECTORY = new URL('../../sql/migrations/', import.meta.url);

type MigrationClass = new () => MigrationInterface;

/** The files of `sql/migrations` as classes for TypeORM, in the order in which they run. */
export const MIGRATIONS: readonly MigrationClass[] = migrationFiles().map(migrationClass);

/** The name under which TypeORM records the newest migration that this release knows. */
export const NEWEST_MIGRATION = recordedName(migrationFiles().at(-1)!);

/** The file of a migration that TypeORM names. */
export function migrationFile(name: string): string {
  return name.replace(/-\d{13}$/, '.sql');
}

function migrationFiles(): string[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.sql'))
    .sort();
}

/** TypeORM takes the order of migrations from the last 13 characters of their names, which have to be digits. */
function recordedName(file: string): string {
  return `${file.replace(/\.sql$/, '')}-${file.slice(0, 4).padStart(13, '0')}`;
}

function migrationClass(file: string): MigrationClass {
  const sql = readFileSync(new URL(file, DIRECTORY), 'utf8');
  return class implements MigrationInterface {
    readonly name = recordedName(file);

    async up(queryRunner: QueryRunner): Promise<void> {
      // Functions keep this path: the schema that everything is created in, whatever else the role looks into.
      await queryRunner.query(LIFT_TIME_LIMITS);
      await queryRunner.query(`SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)`);
      await queryRunner.query(sql);
    }

    async down(): Promise<void> {
      throw new Error(`${file} cannot be reverted: write a migration that follows it`);
    }
  };
}

/**
 * Compares the migrations that are recorded in a database with the files of this release.
 * @returns the names of migrations that only a newer release knows
 * @throws Error where the database is from before the first release: its tables cannot be taken over
 */
export async function unknownMigrations(dataSource: DataSource): Promise<string[]> {
  const applied = await dataSource.query<Array<{ name: string }>>('SELECT name FROM schema_migrations ORDER BY name');
  const known = new Set(migrationFiles().map(recordedName));
  const unknown = applied.map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.some((name) => !/^\d{4}-/.test(name))) {
    throw new Error(
      `the database ${String(dataSource.options.database)} was made before the first release, and this release cannot use ` +
        'its tables. Begin with an empty one: where `npm start` made it, stop that and `rm -rf .stack/start`; with ' +
        'Compose, `docker compose down -v`; elsewhere drop and create the database.',
    );
  }
  return unknown;
}
