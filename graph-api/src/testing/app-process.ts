import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '@exact-ratings/stack/servers/ports.js';
import { launchServiceProcess, type ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { send } from './graphql.js';
import { TEST_SECRET } from '@exact-ratings/stack/testing/tokens.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The built service (`dist/main.js`) as a process of its own. */
export interface AppProcess {
  readonly origin: string;
  readonly process: ServiceProcess;
  /** What it has printed so far. */
  log(): string;
  /** The HTTP status of a path; 0 where nothing answers. */
  statusOf(path: string): Promise<number>;
  /** Kills it, whatever it does. */
  dispose(): Promise<void>;
}

let launched = 0;

/** Launches it without waiting. No Kafka anywhere unless `env` names one: nothing may depend on it. */
export async function launchApp(env: Record<string, string>): Promise<AppProcess> {
  launched += 1;
  const logFile = join(tmpdir(), `graph-api-test-${process.pid}-${launched}-${Date.now()}.log`);
  const port = env['PRODUCT_SERVICE_PORT'] ?? String(await findFreePort());
  const service = await launchServiceProcess({
    name: 'graph-api',
    entry: MAIN,
    env: { JWT_SECRET: TEST_SECRET, KAFKA_BROKER: '127.0.0.1:1', PRODUCT_SERVICE_PORT: port, ...env },
    logFile,
  });
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    process: service,
    log: () => readFileSync(logFile, 'utf8'),
    statusOf: async (path) => (await send(`${origin}${path}`, {}).catch(() => null))?.status ?? 0,
    dispose: async () => {
      await service.kill();
      rmSync(logFile, { force: true });
    },
  };
}

/** Launches it and waits until it is ready. */
export async function startAppProcess(env: Record<string, string>): Promise<AppProcess> {
  const app = await launchApp(env);
  await eventually('the service is ready', async () => (await app.statusOf('/ready')) === 200, 25_000);
  return app;
}
