import { setTimeout as delay } from 'node:timers/promises';
import { createRedisClient } from '@exact-ratings/shared/clients/redis-client.js';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { retryUntilAborted } from '@exact-ratings/shared/runtime/backoff.js';
import type { ReleaseStack } from '@exact-ratings/shared/runtime/lifecycle.js';
import { RatingStore } from '@exact-ratings/shared/rating/rating-store.js';
import type { Redis } from 'ioredis';
import { EXAMPLE_JWT_SECRET } from './auth/auth-config.js';
import { authorizationHeaders } from './auth/authorization-header.js';
import { TokenVerifier } from './auth/token-verifier.js';
import type { GraphApiConfig } from './config.js';
import { createDataSource } from './database/data-source.js';
import { createPool, Database, poolSizes } from './database/database.js';
import { createIdempotencyCleanup } from './database/idempotency-cleanup.js';
import { PipelinedReads } from './database/pipelined-reads.js';
import { SchemaCheck } from './database/schema-check.js';
import { addExplorer } from './explorer/explorer.js';
import { serviceUnavailable } from './graphql/errors.js';
import { createKafkaPublisher, type Publisher } from './outbox/kafka-publisher.js';
import { createRelay } from './outbox/relay.js';
import { ListCounts } from './pagination/list-counts.js';
import { ProductCommands } from './products/product-commands.js';
import { createProductCleanup } from './products/product-cleanup.js';
import { ProductEntity } from './products/product.entity.js';
import { OwnWrites } from './ratings/own-writes.js';
import { RatingCache } from './ratings/rating-cache.js';
import { RatingReader } from './ratings/rating-reader.js';
import { AuthorErasure } from './reviews/author-erasure.js';
import { ReviewAnnotations } from './reviews/review-annotations.js';
import { ReviewCommands } from './reviews/review-commands.js';
import { RequestContext } from './server/context.js';
import { addGraphQL } from './server/graphql-server.js';
import { asksForCost } from './server/limits/cost-header.js';
import { createHttpServer, listen } from './server/http-server.js';
import { addLanding } from './server/landing.js';
import { RateLimits } from './server/rate-limits/rate-limits.js';
import { SharedBudgets } from './server/rate-limits/shared-budgets.js';
import { Readiness } from './server/readiness.js';

const STATEMENT_TIMEOUT_MS = 15_000;

/** What tests put in the place of the real parts. */
export interface AppOverrides {
  readonly publisher?: Publisher;
}

export interface App {
  /** The port that was asked for, or the one that the kernel chose for 0. */
  readonly port: number;
}

/** Nothing is queued while Redis is down; the time of a command is limited by `RatingCache`, which knows its own stalls. */
function createRedis(config: GraphApiConfig, logger: Logger): Redis {
  const redis = createRedisClient(config.redis, 'graph-api', {
    connectTimeout: 2_000,
    // A connection on which nothing comes back is given up, so that a dead one does not outlive the outage.
    socketTimeout: 5_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
    lazyConnect: true,
  });
  redis.on('error', (error) => logger.debug({ err: error }, 'Redis connection'));
  redis.connect().catch(() => undefined);
  return redis;
}

/**
 * The composition root: listens at once (`/health` lives, `/ready` does not), waits for PostgreSQL without end, then
 * serves. Kafka and Redis may be down all the time. Whatever is opened is pushed on `resources`.
 * @throws UnusableDatabaseError where PostgreSQL is set up so that it cannot be used
 */
export async function startApp(
  config: GraphApiConfig,
  logger: Logger,
  resources: ReleaseStack,
  signal: AbortSignal,
  overrides: AppOverrides = {},
): Promise<App> {
  if (config.auth.keys.type === 'secret' && config.auth.keys.secret === EXAMPLE_JWT_SECRET) {
    logger.warn('JWT_SECRET is the published example: anyone can make tokens. Fit for this machine only.');
  }
  const pools = poolSizes(config.databasePool.size, config.databasePool.pipelined);
  const onPoolError = (error: unknown): void => logger.warn({ err: error }, 'a PostgreSQL connection was lost');
  const dataSource = createDataSource(config.database, {
    entities: [ProductEntity],
    poolSize: pools.reads,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onPoolError,
  });
  resources.push('postgres', async () => {
    if (dataSource.isInitialized) await dataSource.destroy();
  });
  const redis = createRedis(config, logger);
  resources.push('redis', () => redis.disconnect());

  const poolOptions = { statementTimeoutMs: STATEMENT_TIMEOUT_MS, onPoolError };
  const writes = createPool(config.database, { ...poolOptions, size: pools.writes });
  resources.push('postgres writes', () => writes.end());
  const shared = createPool(config.database, { ...poolOptions, size: pools.pipelined, pipeline: true });
  const shortReads = new PipelinedReads(shared, pools.pipelined);
  resources.push('postgres short reads', () => shortReads.close());
  const database = new Database(dataSource, writes, shortReads);
  const cleanup = createProductCleanup(database, logger);
  resources.push('product cleanup', () => cleanup.stop());
  const keyCleanup = createIdempotencyCleanup(database, config.idempotencyTtlSeconds, logger);
  resources.push('idempotency key cleanup', () => keyCleanup.stop());
  const ratingStore = new RatingStore(redis, { ttlSeconds: config.ratingTtlSeconds });
  const ratingCache = new RatingCache(ratingStore, config.redisCommandTimeoutMs, logger);
  resources.push('rating cache', () => ratingCache.stop());

  const publisher = overrides.publisher ?? createKafkaPublisher(config.kafka, logger);
  const relay = createRelay(config.database, config.outbox, publisher, logger);
  resources.push('outbox relay', () => relay.stop());

  const authorErasure = new AuthorErasure(database, relay.wake, logger);
  resources.push('author erasure', () => authorErasure.stop());
  const budgets = new SharedBudgets(redis, config.redisCommandTimeoutMs, logger);
  resources.push('rate limits', () => budgets.stop());
  const rateLimits = new RateLimits(config.rateLimits, budgets, logger);

  const tokens = new TokenVerifier(config.auth, logger);
  const productCounts = new ListCounts(database, 'products');
  const forRequests = {
    database,
    ratingReader: new RatingReader(ratingCache, database),
    ownWrites: new OwnWrites(config.ownWritesMs, () => performance.now()),
    ratingPrior: config.ratingPrior,
    reviewAnnotations: new ReviewAnnotations(database),
    authorErasure,
    productCounts,
    productCommands: new ProductCommands(database, productCounts, relay.wake, cleanup.wake),
    reviewCommands: new ReviewCommands(database, relay.wake, config.moderated),
    reviewCounts: new ListCounts(database, 'reviews'),
  };

  const schemaCheck = new SchemaCheck(dataSource, logger);
  const readiness = new Readiness(() => schemaCheck.isUsable());
  const server = await createHttpServer({ ...config, maxBodyBytes: config.limits.maxBodyBytes, readiness, logger });
  const apollo = await addGraphQL(server, {
    limits: config.limits,
    introspection: config.introspection,
    trustedDocuments: config.trustedDocuments,
    compileAfter: config.compileAfter,
    hideSchemaDetails: config.production,
    logger,
    createContext: async ({ raw, id }, lifetime): Promise<RequestContext> => {
      if (!dataSource.isInitialized) throw serviceUnavailable('The service is starting. Try again in a moment.');
      const viewer = await tokens.viewerOf(authorizationHeaders(raw));
      return new RequestContext(
        forRequests,
        viewer,
        id,
        lifetime,
        asksForCost(raw.headers),
        rateLimits.of(viewer, raw),
      );
    },
  });
  addLanding(server, config.explorer.active ? config.explorer.path : null);
  if (config.explorer.active) {
    await addExplorer(server, { path: config.explorer.path, keepToken: !config.production });
    const url = `http://${config.host}:${config.port}/${config.explorer.path}`;
    if (config.production) logger.warn({ url }, 'API_DOCS_ACTIVE: the explorer shows the schema to everyone');
    else logger.info({ url }, 'API explorer');
  }
  resources.push('http', async () => {
    await server.close();
    await apollo.stop();
  });
  resources.push('readiness', async () => {
    readiness.stop();
    await delay(config.drainMs);
  });
  await listen(server, config.host, config.port);
  const { port } = server.server.address() as { port: number };

  await retryUntilAborted(
    () => dataSource.initialize(),
    (error, retryInMs) => logger.warn({ err: error, retryInMs }, 'waiting for PostgreSQL'),
    signal,
  );
  relay.start();
  cleanup.start();
  keyCleanup.start();
  authorErasure.start();
  await schemaCheck.isUsable().catch(() => false);
  logger.info({ url: `http://${config.host}:${port}/graphql` }, 'serving');
  return { port };
}
