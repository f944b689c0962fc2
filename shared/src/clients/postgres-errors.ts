/**
 * Classes 08 connection, 53 resources, 57P operator intervention; 57014 statement time-out, 55P03 lock time-out, 25006
 * a standby that is not promoted yet; TL001 a change that came too late; and what remains a deadlock or serialization failure after
 * all attempts.
 */
const UNAVAILABLE = /^(08|53|57P|57014|55P03|25006|40001|40P01|TL001)/;
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);
const POOL_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Driver not Connected|Client has encountered a connection error/i;

/** The SQLSTATE of PostgreSQL's answer, or Node's code of a failed connection; empty where there is none. */
export function databaseErrorCode(error: unknown): string {
  const code = fieldOf(error, 'code');
  return typeof code === 'string' ? code : '';
}

/** Whether PostgreSQL could not be reached, or could not answer now: the caller may try again. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = databaseErrorCode(error);
  return UNAVAILABLE.test(code) || NETWORK.has(code) || POOL_MESSAGES.test(String(fieldOf(error, 'message')));
}

function fieldOf(error: unknown, name: 'code' | 'message'): unknown {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
}
