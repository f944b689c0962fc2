import type { Socket } from 'node:net';
import cors from '@fastify/cors';
import { portTaken } from '@exact-ratings/shared/runtime/monitoring-server.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { addAccessLog } from './access-log.js';
import { refuse } from './error-body.js';
import { acceptJsonOnly, BodyError } from './json-body.js';
import { RATE_LIMIT_HEADERS } from './rate-limits/rate-limits.js';
import type { Readiness } from './readiness.js';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.js';
import { SECURITY_HEADERS } from './security-headers.js';

export interface HttpServerOptions {
  readonly maxBodyBytes: number;
  /** Origins of browsers that may call; none by default. */
  readonly corsOrigins: readonly string[];
  readonly keepAliveTimeoutMs: number;
  readonly accessLog: boolean;
  readonly readiness: Readiness;
  readonly logger: Logger;
}

/** Fastify with `/health`, `/ready` and errors in GraphQL's shape; routes are added before `listen`. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { readiness, logger } = options;
  const server = Fastify({
    bodyLimit: options.maxBodyBytes,
    // What arrives on an open connection while we stop is still answered.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    connectionTimeout: 60_000,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    requestTimeout: 30_000,
    requestIdHeader: false,
    genReqId: requestIdOf,
    clientErrorHandler: (error, socket) => answerMalformedHttp(error, socket),
  });
  // Balancers' guides ask for it. Slow headers are cut by `requestTimeout`, which counts from the first byte.
  server.server.headersTimeout = options.keepAliveTimeoutMs + 1_000;
  acceptJsonOnly(server);
  if (options.accessLog) addAccessLog(server, logger);
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(SECURITY_HEADERS).header(REQUEST_ID_HEADER, request.id);
    done();
  });
  server.addHook('onSend', (_request, reply, _payload, done) => {
    // A connection that we keep open would hold the stop until its client gives it up.
    if (readiness.isStopping) void reply.header('connection', 'close');
    done();
  });
  if (options.corsOrigins.length > 0) {
    await server.register(cors, {
      origin: [...options.corsOrigins],
      methods: ['GET', 'POST'],
      // Origins are the guard: any header that is asked for is allowed, such as those of tracing tools.
      exposedHeaders: [REQUEST_ID_HEADER, 'retry-after', ...RATE_LIMIT_HEADERS],
      maxAge: 86_400,
    });
  }

  server.setErrorHandler(async (error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return refuse(reply, 'BAD_REQUEST', messageFor(error, options.maxBodyBytes), status);
    logger.error({ err: error, url: request.url, requestId: request.id }, 'a request failed');
    const message = 'Something went wrong on our side. It was logged under the requestId.';
    return refuse(reply, 'INTERNAL_SERVER_ERROR', message);
  });
  server.setNotFoundHandler((_request, reply) =>
    refuse(reply, 'NOT_FOUND', 'There is nothing here: the API is at /graphql.'),
  );

  server.get('/health', async (_request, reply) => reply.send({ status: 'ok' }));
  server.get('/ready', async (_request, reply) => {
    const answer = await readiness.read();
    return reply.code(answer.ready ? 200 : 503).send(answer);
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

function messageFor(error: FastifyError, maxBodyBytes: number): string {
  if (error instanceof BodyError) return error.message;
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

const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Answers what Node's parser does not take for HTTP, where there is no request yet. */
function answerMalformedHttp({ code = '' }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const message = 'The request is not valid JSON, or not a valid HTTP request.';
  const body = JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${STATUS_LINES[code] ?? '400 Bad Request'}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}
