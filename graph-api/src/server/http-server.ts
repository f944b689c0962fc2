import cors from '@fastify/cors';
import { portTaken } from '@exact-ratings/shared/runtime/monitoring-server.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { errorBody } from './error-body.js';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly maxBodyBytes: number;
  /** Origins of browsers that may call; none by default. */
  readonly corsOrigins: readonly string[];
  /** Whether PostgreSQL answers and is migrated. */
  readonly isReady: () => Promise<boolean>;
  readonly logger: Logger;
}

/** Fastify with `/health`, `/ready` and errors in GraphQL's shape; routes are added before `listen`. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const server = Fastify({
    bodyLimit: options.maxBodyBytes,
    // What arrives on an open connection while we stop is still answered.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    connectionTimeout: 60_000,
    requestTimeout: 30_000,
  });
  // JSON only: what a form or a script of another site can send without a preflight is refused by its type.
  server.removeContentTypeParser('text/plain');
  if (options.corsOrigins.length > 0) {
    await server.register(cors, {
      origin: [...options.corsOrigins],
      methods: ['GET', 'POST'],
      allowedHeaders: ['authorization', 'content-type', 'apollo-require-preflight', 'x-apollo-operation-name'],
      maxAge: 86_400,
    });
  }

  // A connection that we keep open would hold the stop until its client gives it up.
  let closing = false;
  server.addHook('preClose', async () => {
    closing = true;
  });
  server.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  server.addHook('onRequest', async (request, reply) => {
    const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
    if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
      await reply.code(415).send(errorBody('BAD_REQUEST', 'The request must be encoded in UTF-8.'));
    }
  });
  server.setErrorHandler(async (error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      options.logger.error({ err: error, url: request.url }, 'a request failed');
      return reply
        .code(status)
        .send(errorBody('INTERNAL_SERVER_ERROR', 'Something went wrong on our side. It was logged.'));
    }
    return reply.code(status).send(errorBody('BAD_REQUEST', describe(error, options.maxBodyBytes)));
  });
  server.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).send(errorBody('NOT_FOUND', 'There is nothing here: the API is at POST /graphql.')),
  );

  server.get('/health', async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }));
  server.get('/ready', async (_request, reply) => {
    const ready = await options.isReady();
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ ready, parts: { postgres: ready } });
  });
  return server;
}

/** @throws an error naming the address where it is taken */
export async function listen(server: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? portTaken(host, port) : error;
  }
}

function describe(error: FastifyError, maxBodyBytes: number): string {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return `The request is larger than ${maxBodyBytes} bytes.`;
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return 'The request must have the content type application/json.';
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return 'The request has no body.';
    default:
      return 'The request is not valid JSON, or not a valid HTTP request.';
  }
}
