import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface MonitoringServerOptions {
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** The parts that must be up, by name; `/ready` answers 200 when all are true but those of `shownOnly`, else 503 with the names. */
  readonly readiness: () => Promise<Readonly<Record<string, boolean>>>;
  /** Parts that are shown, but without which the process is ready all the same. */
  readonly shownOnly?: readonly string[];
  readonly metrics: Registry;
}

export interface MonitoringServer {
  readonly port: number;
  stop(): Promise<void>;
}

const KEEP_ALIVE_MS = 620_000;

/**
 * `GET /health`: the process lives. `GET /ready`: its parts are up. `GET /metrics`: Prometheus text.
 * @throws an error naming the address where it is taken.
 */
export async function startMonitoringServer(options: MonitoringServerOptions): Promise<MonitoringServer> {
  const server = createServer((request, response) => {
    const reply = (status: number, type: string, body: string): void => {
      response.writeHead(status, {
        'content-type': type,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(body);
    };
    const path = (request.url ?? '/').split('?')[0];
    const answer = async (): Promise<void> => {
      if (request.method !== 'GET' && request.method !== 'HEAD') return reply(405, 'text/plain', 'GET only\n');
      if (path === '/health') return reply(200, 'application/json', '{"status":"ok"}');
      if (path === '/ready') {
        const parts = await options.readiness();
        const ready = Object.entries(parts).every(([part, isUp]) => isUp || options.shownOnly?.includes(part) === true);
        return reply(ready ? 200 : 503, 'application/json', JSON.stringify({ ready, parts }));
      }
      if (path === '/metrics') return reply(200, options.metrics.contentType, await options.metrics.metrics());
      reply(404, 'text/plain', 'not found; try /health, /ready or /metrics\n');
    };
    answer().catch(() => reply(500, 'text/plain', 'internal error\n'));
  });
  // Longer than load balancers and Prometheus keep a connection, so that none is closed just as they use it again.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 1_000;
  await listen(server, options.host, options.port);
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portTaken(host, port) : error);
    });
    server.listen(port, host, resolve);
  });
}

/** The error for a port that something else listens on. */
export function portTaken(host: string, port: number): Error {
  return new Error(`port ${port} on ${host} is taken: stop what listens there, or choose another port`);
}
