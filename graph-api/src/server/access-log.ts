import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const PROBES = new Set(['/health', '/ready']);
const MAX_NAME_LENGTH = 100;

/** One log line for each answered request but the probes: what a request id in an error leads to. */
export function addAccessLog(server: FastifyInstance, logger: Logger): void {
  server.addHook('onResponse', (request, reply, done) => {
    done();
    const path = request.url.split('?', 1)[0]!;
    if (PROBES.has(path)) return;
    logger.info(
      {
        requestId: request.id,
        method: request.method,
        path,
        ...operationOf(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });
}

/** The operation's name as the client gives it. */
function operationOf({ body }: FastifyRequest): { readonly operation?: string } {
  const name = typeof body === 'object' && body !== null && 'operationName' in body ? body.operationName : undefined;
  return typeof name === 'string' ? { operation: name.slice(0, MAX_NAME_LENGTH) } : {};
}
