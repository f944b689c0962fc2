import { readRatingWorkerConfig } from './config.js';

test('has a default for everything', () => {
  expect(readRatingWorkerConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 3001,
    ratingTtlSeconds: 0,
    kafka: { topic: 'review-events', brokers: ['127.0.0.1:9092'] },
    consumer: { groupId: 'rating-worker', minPartitionConcurrency: 12, sessionTimeoutMs: 10_000 },
    jobs: { maxEvents: 1_000 },
  });
});

test('names everything that is wrong at once', () => {
  const environment = { RATING_TTL_SECONDS: '-1', RATING_QUEUE_NAME: 'a:b', LOG_LEVEL: 'loud', KAFKA_GROUP_ID: 'x' };
  expect(() => readRatingWorkerConfig(environment)).toThrow(
    /RATING_TTL_SECONDS[\s\S]*RATING_QUEUE_NAME|LOG_LEVEL[\s\S]*RATING_TTL_SECONDS/,
  );
});

test('refuses the published password in production only', () => {
  expect(() => readRatingWorkerConfig({ NODE_ENV: 'production' })).toThrow(/DATABASE_PASSWORD/);
  expect(() => readRatingWorkerConfig({ NODE_ENV: 'production', ALLOW_EXAMPLE_SECRETS: 'true' })).not.toThrow();
  expect(() => readRatingWorkerConfig({ NODE_ENV: 'production', DATABASE_PASSWORD: 'secret' })).not.toThrow();
});
