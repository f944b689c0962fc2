import * as postgresErrors from '@exact-ratings/shared/clients/postgres-errors.js';
import pg from 'pg';
import { QueryFailedError } from 'typeorm';

const { DatabaseError } = pg;

interface PgError extends Error {
  readonly code?: string;
  readonly constraint?: string;
}

const RETRYABLE = new Set(['40001', '40P01']);
function pgErrorOf(error: unknown): PgError | null {
  if (error instanceof QueryFailedError) return error.driverError as PgError;
  return error instanceof Error ? error : null;
}

/** The constraint that the statement broke, where PostgreSQL says so. */
export function violatedConstraint(error: unknown): string | undefined {
  return pgErrorOf(error)?.constraint;
}

/** Whether PostgreSQL could not be reached, or could not answer now: the caller may try again. */
export function isDatabaseUnavailable(error: unknown): boolean {
  return postgresErrors.isDatabaseUnavailable(pgErrorOf(error));
}

/** Classes after which a connection is not trusted: 08, 53, 57P, 58 system, XX internal; 25P03 and 25P04 end its session. */
const CONNECTION_LOST = /^(08|53|57P|58|XX|25P03|25P04)/;

/**
 * Whether the error is PostgreSQL's answer to one statement, after which its connection is as good as before. By its code: the
 * severity is a word of the server's language (`lc_messages`).
 */
export function leavesConnectionUsable(error: unknown): boolean {
  return error instanceof DatabaseError && error.code !== undefined && !CONNECTION_LOST.test(error.code);
}

/** Whether a statement gave up waiting for a lock. */
export function isLockTimeout(error: unknown): boolean {
  return pgErrorOf(error)?.code === '55P03';
}

const MAX_ATTEMPTS = 5;

/** Runs a transaction again that PostgreSQL ended as the victim of a deadlock or of a serialization failure. */
export async function retryOnDeadlock<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has(pgErrorOf(error)?.code ?? '')) throw error;
    }
  }
}
