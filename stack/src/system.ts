import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { developmentToken, type TokenOptions } from './development-token.js';
import { findFreePort, isPortFree } from './servers/ports.js';
import { progressLine, seconds, type Progress } from './progress.js';
import { runMigrations } from './processes/migrate-process.js';
import { startStack, type Stack } from './stack.js';
import type { ServerSettings, ServiceName } from './servers/server-context.js';
import { makeStackDirectories, repositoryFile, stackPaths } from './stack-paths.js';
import { supervise, type SupervisedProcess } from './processes/supervisor.js';

export const GRAPH_API_ENTRY = repositoryFile('graph-api/dist/main.js');
export const RATING_WORKER_ENTRY = repositoryFile('rating-worker/dist/main.js');
export const RATINGS_COMMAND_ENTRY = repositoryFile('rating-worker/dist/commands/cli.js');

export interface SystemOptions extends Partial<ServerSettings> {
  /** The name of the stack. */
  name: string;
  fresh?: boolean;
  removeOnStop?: boolean;
  /** How many processes of each service, and the port of the first one; 0 takes free ports. */
  apis?: { count?: number; port?: number };
  workers?: { count?: number; port?: number };
  /** Options for Node itself, such as `--watch`. */
  nodeArgs?: readonly string[];
  /** Settings of the services, on top of those that connect them. */
  variables?: Readonly<Record<string, string>>;
  /** Variables with which somebody chose servers of their own (DATABASE_HOST, REDIS_HOST, KAFKA_BROKER). */
  environment?: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal;
  onProgress?: Progress;
}

/** One supervised service process and where it listens. */
interface RunningService extends SupervisedProcess {
  readonly url: string;
}

/** The whole product on real servers. */
export interface System {
  readonly stack: Stack;
  /** What any other process needs to join: servers, secrets, topic. */
  readonly env: Readonly<Record<string, string>>;
  /** The GraphQL endpoint of the first API. */
  readonly graphqlUrl: string;
  readonly apis: readonly RunningService[];
  readonly workers: readonly RunningService[];
  token(options: TokenOptions): Promise<string>;
  /** Stops services first, then servers. */
  stop(): Promise<void>;
}

/** Variables that choose an external server; the stack then starts none of that kind. */
const EXTERNAL: Record<ServiceName, { chosenBy: string; variables: readonly string[] }> = {
  postgres: {
    chosenBy: 'DATABASE_HOST',
    variables: ['DATABASE_HOST', 'DATABASE_PORT', 'DATABASE_USER', 'DATABASE_PASSWORD', 'DATABASE_DB', 'DATABASE_SSL'],
  },
  redis: { chosenBy: 'REDIS_HOST', variables: ['REDIS_HOST', 'REDIS_PORT', 'REDIS_PASSWORD'] },
  kafka: { chosenBy: 'KAFKA_BROKER', variables: ['KAFKA_BROKER', 'KAFKA_PORT'] },
};

/** Settings of the services that a person may give on the command line of `npm start`. */
const PASSED_ON = [
  'LOG_LEVEL',
  'RATING_TTL_SECONDS',
  'RATING_PERSISTENCE_INTERVAL_MS',
  'KAFKA_TOPIC',
  'API_DOCS_PATH',
  'API_DOCS_ACTIVE',
  'CORS_ORIGINS',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
];

/**
 * Starts the servers, brings them to the newest migration, starts the services under supervision, and resolves when all
 * are ready. Ends everything it started where one of them fails.
 * @throws an error naming a port that is taken, before anything is started
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { environment = {}, onProgress = () => undefined } = options;
  const apiPorts = await choosePorts('graph-api', 'PRODUCT_SERVICE_PORT', options.apis);
  const workerPorts = await choosePorts('rating-worker', 'REVIEW_PROCESSING_SERVICE_PORT', options.workers);

  const external = pick(
    environment,
    Object.values(EXTERNAL).flatMap(({ chosenBy, variables }) =>
      environment[chosenBy] === undefined ? [] : variables,
    ),
  );
  const services = (Object.keys(EXTERNAL) as ServiceName[]).filter(
    (service) => environment[EXTERNAL[service].chosenBy] === undefined,
  );
  const secret = environment['JWT_SECRET'] ?? (await keptSecret(options.name));
  const stack = await startStack({
    ...options,
    services,
    variables: {
      ...external,
      ...pick(environment, PASSED_ON),
      JWT_SECRET: secret,
      PRODUCT_SERVICE_PORT: String(apiPorts[0] ?? 0),
      REVIEW_PROCESSING_SERVICE_PORT: String(workerPorts[0] ?? 0),
      ...options.variables,
    },
  });
  const { env } = stack;
  const running: SupervisedProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(
      running.map(async (service) => {
        const exit = await service.stop();
        if (exit !== undefined) onProgress(progressLine(service.name, 'stopped'));
      }),
    );
    await stack.stop();
  };

  try {
    const beforeMigrations = Date.now();
    await runMigrations(env, stack);
    onProgress(progressLine('Migrations', `done (${seconds(Date.now() - beforeMigrations)})`));
    options.signal?.throwIfAborted();
    const start = (name: string, entry: string, portVariable: string, port: number): RunningService => {
      const service = supervise({
        name,
        entry,
        nodeArgs: options.nodeArgs ?? [],
        env: { ...env, [portVariable]: String(port) },
        logFile: join(stack.logDirectory, `${name}.log`),
        readyUrl: `http://127.0.0.1:${port}/ready`,
        pidDirectory: stack.pidDirectory,
        onRestart: (line) => onProgress(line),
      });
      running.push(service);
      return Object.defineProperty(service, 'url', { value: `http://127.0.0.1:${port}` }) as RunningService;
    };
    const apis = apiPorts.map((port, i) =>
      start(numbered('graph-api', i, apiPorts.length), GRAPH_API_ENTRY, 'PRODUCT_SERVICE_PORT', port),
    );
    const workers = workerPorts.map((port, i) =>
      start(
        numbered('rating-worker', i, workerPorts.length),
        RATING_WORKER_ENTRY,
        'REVIEW_PROCESSING_SERVICE_PORT',
        port,
      ),
    );
    const began = Date.now();
    await Promise.all(
      [...apis, ...workers].map(async (service) => {
        await service.waitUntilReady();
        options.signal?.throwIfAborted();
        onProgress(progressLine(service.name, `ready on ${service.url} (${seconds(Date.now() - began)})`));
      }),
    );
    return {
      stack,
      env,
      apis,
      workers,
      graphqlUrl: `${apis[0]?.url ?? ''}/graphql`,
      token: (token) => developmentToken({ secret, issuer: env['JWT_ISSUER'], audience: env['JWT_AUDIENCE'] }, token),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function choosePorts(
  service: string,
  variable: string,
  { count = 1, port = 0 }: { count?: number; port?: number } = {},
): Promise<number[]> {
  const ports: number[] = [];
  for (let i = 0; i < count; i += 1) {
    if (port === 0) {
      ports.push(await findFreePort());
    } else if (await isPortFree(port + i)) {
      ports.push(port + i);
    } else {
      throw new Error(
        `Port ${port + i} is taken, ${service} needs it: stop what listens there, or choose another one, ` +
          `as in \`${variable}=${port + 100} npm start\`.`,
      );
    }
  }
  return ports;
}

/** The secret of this stack, made once, so that tokens stay good across restarts. */
async function keptSecret(stackName: string): Promise<string> {
  const paths = stackPaths(stackName);
  await makeStackDirectories(paths);
  const file = join(paths.directory, 'jwt-secret');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const secret = randomBytes(36).toString('base64url');
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

function pick(
  environment: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function numbered(name: string, index: number, count: number): string {
  return count === 1 ? name : `${name}-${index + 1}`;
}
