import { ReleaseStack } from '@exact-ratings/shared/runtime/lifecycle.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { startApp } from '../app.js';
import { readGraphApiConfig } from '../config.js';
import type { Publisher } from '../outbox/kafka-publisher.js';
import { recordingPublisher } from './recording-publisher.js';
import { TEST_SECRET } from '@exact-ratings/stack/testing/tokens.js';

/** The whole service in this process, on a port of its own, with real servers behind it. */
export interface TestApp {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** Its log, one parsed object a line. */
  readonly log: ReadonlyArray<Record<string, unknown>>;
  stop(): Promise<void>;
}

/** Queries are compiled when they come first, or never in the run of `jest.interpreter.config.mjs`. */
function compileAfter(): string {
  return (globalThis as { COMPILE_AFTER?: string }).COMPILE_AFTER ?? '1';
}

/** Without a publisher of one's own Kafka is down, so that the events stay in the outbox, where a test can look at them. */
export async function startTestApp(
  env: Record<string, string>,
  publisher: Publisher | 'kafka' = recordingPublisher(() => Promise.reject(new Error('Kafka is down'))),
): Promise<TestApp> {
  const log: Array<Record<string, unknown>> = [];
  const destination = { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) };
  const config = readGraphApiConfig({
    JWT_SECRET: TEST_SECRET,
    PRODUCT_SERVICE_PORT: '0',
    // A machine that is busy with other things is no overload of the service, and no outage of Redis.
    GRAPHQL_MAX_EVENT_LOOP_DELAY_MS: '0',
    REDIS_COMMAND_TIMEOUT_MS: '5000',
    GRAPHQL_COMPILE_AFTER: compileAfter(),
    ...env,
  });
  const logger = createLogger('graph-api', 'debug', destination);
  const resources = new ReleaseStack();
  const stopping = new AbortController();
  const stop = async (): Promise<void> => {
    stopping.abort();
    await resources.releaseAll(logger);
  };
  try {
    const overrides = publisher === 'kafka' ? {} : { publisher };
    const { port } = await startApp(config, logger, resources, stopping.signal, overrides);
    return { origin: `http://127.0.0.1:${port}`, log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
