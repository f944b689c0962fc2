import type { FastifyReply } from 'fastify';
import { ERROR_CODES, extensionsOf, type ErrorCode } from '../graphql/error-codes.js';

/** After this many seconds a caller may try again where the service could not answer. */
const RETRY_AFTER_SECONDS = 1;

/** The value of `Retry-After` for an answer of this status. An error of a caller's limits says it in `extensions.retryAfter`. */
export function retryAfter(status: number, extensions: Readonly<Record<string, unknown>> = {}): string | undefined {
  const { retryAfter: given } = extensions;
  if (typeof given === 'number') return String(given);
  return status === 503 ? String(RETRY_AFTER_SECONDS) : undefined;
}

/**
 * Answers a request without running it, in GraphQL's shape, with the time after which to try again.
 * @param status the code's own, unless HTTP has one that says more
 * @param details further extensions of the error
 */
export async function refuse(
  reply: FastifyReply,
  code: ErrorCode,
  message: string,
  status: number = ERROR_CODES[code].status,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const seconds = retryAfter(status, details);
  if (seconds !== undefined) reply.header('retry-after', seconds);
  const extensions = { ...details, ...extensionsOf(code), requestId: reply.request.id };
  await reply.code(status).send({ errors: [{ message, extensions }] });
}
