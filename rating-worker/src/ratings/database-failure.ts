import { databaseErrorCode, isDatabaseUnavailable } from '@exact-ratings/shared/clients/postgres-errors.js';

/** Why PostgreSQL cannot give ratings at all just now, and what to do about it. */
export interface DatabaseFailure {
  /** `unavailable` ends by itself; the others need a person. */
  readonly kind: 'unavailable' | 'login refused' | 'permission denied' | 'not migrated';
  readonly advice: string;
}

const UNAVAILABLE: DatabaseFailure = { kind: 'unavailable', advice: 'rebuilds wait until it answers' };

/** By the beginning of the SQLSTATE: 28 authorization, 3D000 no such database, 3F/42P01/42703/42883 no such schema, table, column, function. */
const FAILURES: ReadonlyArray<readonly [RegExp, DatabaseFailure]> = [
  [
    /^(28|3D000)/,
    {
      kind: 'login refused',
      advice: 'check DATABASE_USER, DATABASE_PASSWORD and DATABASE_NAME; rebuilds wait meanwhile',
    },
  ],
  [
    /^42501/,
    {
      kind: 'permission denied',
      advice:
        "give the worker's role the grants that docs/postgresql.md lists for rating_worker; what needs them waits meanwhile",
    },
  ],
  [/^(3F|42P01|42703|42883)/, { kind: 'not migrated', advice: 'run "npm run migrate"; rebuilds wait meanwhile' }],
];

/** @returns undefined where the error is PostgreSQL's answer to this one statement, and says nothing about others */
export function databaseFailure(error: unknown): DatabaseFailure | undefined {
  const code = databaseErrorCode(error);
  if (isStatementTooLarge(error)) return undefined;
  return FAILURES.find(([codes]) => codes.test(code))?.[1] ?? (isDatabaseUnavailable(error) ? UNAVAILABLE : undefined);
}

/**
 * Whether the same statement over fewer products may succeed: it was timed out (57014) or needed more than its share (53400), or met a
 * product whose rows cannot be read or counted (classes 22, XX).
 */
export function isStatementTooLarge(error: unknown): boolean {
  return /^(57014|53400|22|XX)/.test(databaseErrorCode(error));
}
