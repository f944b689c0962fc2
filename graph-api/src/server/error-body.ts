import type { FastifyReply } from 'fastify';

/** After this many seconds a caller may try again where the service could not answer. */
export const RETRY_AFTER_SECONDS = 1;

/** Answers a request without running it, in GraphQL's shape; 503 says when to try again. */
export async function refuse(reply: FastifyReply, status: number, code: string, message: string): Promise<void> {
  const extensions = {
    code,
    ...(code === 'SERVICE_UNAVAILABLE' ? { retryable: true } : {}),
    requestId: reply.request.id,
  };
  if (status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
  await reply.code(status).send({ errors: [{ message, extensions }] });
}
