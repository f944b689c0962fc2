import type { FastifyReply } from 'fastify';
import { ERROR_CODES, extensionsOf, type ErrorCode } from '../graphql/error-codes.js';

/** After this many seconds a caller may try again where the service could not answer. */
export const RETRY_AFTER_SECONDS = 1;

/**
 * Answers a request without running it, in GraphQL's shape; 503 says when to try again.
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
  if (status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
  const extensions = { ...details, ...extensionsOf(code), requestId: reply.request.id };
  await reply.code(status).send({ errors: [{ message, extensions }] });
}
