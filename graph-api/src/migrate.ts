import { configOrExit } from '@exact-ratings/shared/runtime/lifecycle.js';
import { createKafkaClient } from '@exact-ratings/shared/clients/kafka-client.js';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { retryUntilAborted } from '@exact-ratings/shared/runtime/backoff.js';
import { errorMessage } from '@exact-ratings/shared/runtime/error-message.js';
import { createDataSource } from './database/data-source.js';
import { migrationFile, unknownMigrations } from './database/migrations.js';
import { requireTargetSchema } from './database/schema-check.js';
import { withMigrationLock } from './database/migration-lock.js';
import { readMigrateConfig } from './migrate-config.js';
import { ensureTopics } from './outbox/topics.js';

/** Brings PostgreSQL to the newest migration and creates the Kafka topics; run again, it changes nothing. */
const config = configOrExit(() => readMigrateConfig(process.env));

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const deadline = AbortSignal.timeout(config.waitSeconds * 1_000);

async function waitFor<T>(server: string, address: string, attempt: () => Promise<T>): Promise<T> {
  let last: unknown;
  let waiting = false;
  try {
    return await retryUntilAborted(
      attempt,
      (error) => {
        last = error;
        if (!waiting) print(`waiting for ${server} at ${address} …`);
        waiting = true;
      },
      deadline,
    );
  } catch (error) {
    if (!deadline.aborted) throw error;
    throw new Error(`${server} at ${address} could not be used within ${config.waitSeconds} s: ${errorMessage(last)}`);
  }
}

try {
  const { host, port, database } = config.database;
  const dataSource = createDataSource(config.database, {
    entities: [],
    poolSize: 1,
    statementTimeoutMs: 0,
    onPoolError: () => undefined,
  });
  await waitFor('PostgreSQL', `${host}:${port}/${database}`, () => dataSource.initialize());
  try {
    const wait = (): void => print('another migration of this database is running: waiting for it …');
    await withMigrationLock(config.database, config.waitSeconds * 1_000, wait, async () => {
      const { recorded } = await requireTargetSchema(dataSource);
      const newer = recorded ? await unknownMigrations(dataSource) : [];
      for (const name of newer) print(`migration ${migrationFile(name)} is of a newer release; it stays`);
      const applied = await dataSource.runMigrations();
      for (const { name } of applied) print(`migrated: ${migrationFile(name)}`);
      if (applied.length === 0) print('the database is up to date');
    });
  } finally {
    await dataSource.destroy();
  }

  const kafka = createKafkaClient(config.kafka, 'migrate', createLogger('migrate', 'silent'));
  const topics = await waitFor('Kafka', config.kafka.brokers.join(', '), () =>
    ensureTopics(kafka, config.kafka, config.topics),
  );
  for (const { topic, created, remarks } of topics) {
    print(created ? `created topic ${topic}` : `topic ${topic} is there`);
    for (const remark of remarks) print(`  ${remark}`);
  }
  const refused = topics.find(({ unusable }) => unusable !== undefined);
  if (refused !== undefined) throw new Error(`the topic ${refused.topic} cannot be used: ${refused.unusable}`);
} catch (error) {
  process.stderr.write(`migrate: ${errorMessage(error)}\n`);
  process.exitCode = 1;
}
