import { join } from 'node:path';
import { developmentToken } from '@exact-ratings/stack/development-token.js';
import { findFreePort } from '@exact-ratings/stack/servers/ports.js';
import { runMigrations } from '@exact-ratings/stack/processes/migrate-process.js';
import { launchServiceProcess, type ServiceProcess } from '@exact-ratings/stack/processes/service-process.js';
import type { Stack } from '@exact-ratings/stack/stack.js';
import { GRAPH_API_ENTRY, RATING_WORKER_ENTRY } from '@exact-ratings/stack/system.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import { Redis } from 'ioredis';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import pg from 'pg';

const JWT = {
  JWT_SECRET: 'a-secret-of-the-bench-alone-on-loopback-ports',
  JWT_ISSUER: 'https://issuer.bench',
  JWT_AUDIENCE: 'exact-ratings-bench',
};

/** A service that was started for a scenario, and where it listens. */
export interface BenchService extends ServiceProcess {
  /** `http://127.0.0.1:41234` */
  readonly url: string;
}

/** What one scenario works on: a database, a topic and a consumer group of its own, and an empty Redis. */
export interface World {
  readonly stack: Stack;
  /** Connects the services and the baselines; production mode. */
  readonly env: Readonly<Record<string, string>>;
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly store: RatingStore;
  readonly kafka: Kafka;
  readonly topic: string;
  readonly connectionString: string;
  token(subject: string): Promise<string>;
  /** The API as a process that has begun to start. */
  launchApi(variables?: Readonly<Record<string, string>>): Promise<BenchService>;
  /** The API, ready to serve. */
  startApi(variables?: Readonly<Record<string, string>>): Promise<BenchService>;
  /** The worker as a process that has begun to start: its metrics can be read a little later. */
  launchWorker(variables?: Readonly<Record<string, string>>): Promise<BenchService>;
  /** The worker as a member of its group. */
  startWorker(variables?: Readonly<Record<string, string>>): Promise<BenchService>;
  /** A process of the bench's own, such as a baseline; it gets its port as PORT and answers /ready. */
  startProcess(name: string, entry: string, variables?: Readonly<Record<string, string>>): Promise<BenchService>;
  /** Runs a command of the product to its end. @throws where its exit code is not 0 */
  runCommand(
    name: string,
    entry: string,
    args: readonly string[],
    variables?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Makes a further, empty database on the same server, and a pool of connections to it. */
  createDatabase(name: string): Promise<pg.Pool>;
  /** Makes a further topic, with as many partitions as that of the events. @returns its name */
  createTopic(suffix: string): Promise<string>;
  /** Runs something with a Kafka admin client that stays connected until the world closes. */
  withKafkaAdmin<T>(action: (admin: Admin) => Promise<T>): Promise<T>;
  /** Stops what was started here. The servers go on. */
  close(): Promise<void>;
}

/** Prepares the servers for one scenario: an empty, migrated database, an empty Redis, a topic of its own. */
export async function createWorld(stack: Stack, scenario: string): Promise<World> {
  const database = `bench_${scenario}`;
  const topic = `bench-${scenario}-${Date.now().toString(36)}`;
  const env: Record<string, string> = {
    ...stack.env,
    ...JWT,
    DATABASE_DB: database,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP_ID: topic,
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
  };
  const { DATABASE_USER: user, DATABASE_PASSWORD: password } = env;
  const { host, port } = stack.postgres;
  const poolOptions = { host, port, user, password, application_name: 'bench' };
  const pools: pg.Pool[] = [];
  const createDatabase = async (name: string): Promise<pg.Pool> => {
    const client = new pg.Client({ ...poolOptions, database: 'postgres' });
    await client.connect();
    try {
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await client.query(`CREATE DATABASE ${name}`);
    } finally {
      await client.end();
    }
    const opened = new pg.Pool({ ...poolOptions, database: name, max: 10, connectionTimeoutMillis: 10_000 });
    opened.on('error', () => undefined);
    pools.push(opened);
    return opened;
  };
  const redis = new Redis({ host: stack.redis.host, port: stack.redis.port, maxRetriesPerRequest: 3 });
  redis.on('error', () => undefined);
  const pool = await createDatabase(database);
  await redis.flushall();

  const services: ServiceProcess[] = [];
  const launch = async (name: string, entry: string, variables: Readonly<Record<string, string>>) => {
    const listenPort = await findFreePort();
    const url = `http://127.0.0.1:${listenPort}`;
    const service = await launchServiceProcess({
      name,
      entry,
      env: {
        ...env,
        PORT: String(listenPort),
        PRODUCT_SERVICE_PORT: String(listenPort),
        REVIEW_PROCESSING_SERVICE_PORT: String(listenPort),
        ...variables,
      },
      logFile: join(stack.logDirectory, `${scenario}-${name}.log`),
      pidDirectory: stack.pidDirectory,
      readyUrl: `${url}/ready`,
    });
    services.push(service);
    return Object.defineProperty(service, 'url', { value: url }) as BenchService;
  };

  const start = async (
    name: string,
    entry: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<BenchService> => {
    const service = await launch(name, entry, variables);
    await service.waitUntilReady();
    return service;
  };

  await runMigrations(env, stack);

  const kafka = new Kafka({
    clientId: 'bench',
    brokers: [`${stack.kafka.host}:${stack.kafka.port}`],
    logLevel: logLevel.NOTHING,
  });
  let admin: Promise<Admin> | undefined;
  const connectedAdmin = (): Promise<Admin> =>
    (admin ??= (async () => {
      const opened = kafka.admin();
      await opened.connect();
      return opened;
    })());
  return {
    stack,
    env,
    pool,
    redis,
    store: new RatingStore(redis, { ttlSeconds: 0 }),
    kafka,
    topic,
    connectionString: `postgresql://${user}:${password}@${host}:${port}/${database}`,
    token: (subject) =>
      developmentToken({ secret: JWT.JWT_SECRET, issuer: JWT.JWT_ISSUER, audience: JWT.JWT_AUDIENCE }, { subject }),
    launchApi: (variables = {}) => launch('graph-api', GRAPH_API_ENTRY, variables),
    startApi: (variables = {}) => start('graph-api', GRAPH_API_ENTRY, variables),
    launchWorker: (variables = {}) => launch('rating-worker', RATING_WORKER_ENTRY, variables),
    startWorker: (variables = {}) => start('rating-worker', RATING_WORKER_ENTRY, variables),
    startProcess: (name, entry, variables = {}) => start(name, entry, variables),
    runCommand: async (name, entry, args, variables = {}) => {
      const logFile = join(stack.logDirectory, `${scenario}-${name}.log`);
      const { pidDirectory } = stack;
      const command = await launchServiceProcess({
        name,
        entry,
        args,
        env: { ...env, ...variables },
        logFile,
        pidDirectory,
      });
      services.push(command);
      const { code } = await command.exited;
      if (code !== 0) throw new Error(`${name} failed (exit code ${code}): see ${logFile}`);
    },
    createDatabase,
    createTopic: async (suffix) => {
      const name = `${topic}-${suffix}`;
      await (
        await connectedAdmin()
      ).createTopics({ topics: [{ topic: name, numPartitions: 12 }], waitForLeaders: true });
      return name;
    },
    withKafkaAdmin: async (action) => action(await connectedAdmin()),
    close: async () => {
      await Promise.all(services.map((service) => service.stop()));
      redis.disconnect();
      await (await admin?.catch(() => undefined))?.disconnect();
      await Promise.all(pools.map((opened) => opened.end()));
    },
  };
}
