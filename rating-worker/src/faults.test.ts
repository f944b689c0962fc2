import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findFreePort } from '@exact-ratings/stack/servers/ports.js';
import { RATINGS_COMMAND_ENTRY } from '@exact-ratings/stack/system.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { changeReviews, insertProducts, insertReviews } from '@exact-ratings/stack/testing/rows.js';
import { Queue } from 'bullmq';
import { expectExact, readLag, relay, send, takeEvents } from './testing/test-data.js';
import {
  createPipeline,
  createWorker,
  spawnWorker,
  startOwnTestServers,
  startWorker,
  stopWorkers,
  type OwnTestServers,
} from './testing/test-servers.js';

const execFileAsync = promisify(execFile);
const READY = { kafka: true, redis: true, postgres: true, queue: true, deadLetters: true };

let servers: OwnTestServers;

beforeAll(async () => {
  servers = await startOwnTestServers();
}, 180_000);
afterEach(async () => {
  await stopWorkers();
  for (const server of [servers.stack.postgres, servers.stack.redis, servers.stack.kafka]) {
    server.resume();
    await server.start();
  }
  await servers.pool.query('DELETE FROM outbox');
});
afterAll(() => servers?.stop());

test('goes on without PostgreSQL where the state is known, and rebuilds the rest when it is back', async () => {
  const { pool, redis, kafka, stack } = servers;
  const pipeline = await createPipeline(servers);
  const { metric, worker } = await startWorker(pipeline);
  const [known, unknown] = await insertProducts(pool, 2);
  await insertReviews(pool, [known!]);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, [known!]);

  await insertReviews(pool, [known!, unknown!], 5);
  const expected = await pool.query<{ last_seq: number }>(
    'SELECT last_seq FROM rating_aggregates WHERE product_id = $1',
    [known],
  );
  const events = await takeEvents(pool);
  await stack.postgres.kill();
  await send(kafka, pipeline.topic, events);
  await eventually('the known product is up to date', async () =>
    ((await redis.get(`product:${known}:ratingState`)) ?? '').startsWith(`${expected.rows[0]!.last_seq} `),
  );
  await eventually(
    'the offsets are committed',
    async () => (await readLag(kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)) === 0,
  );
  expect(await metric('rating_events_total', { result: 'deferred' })).toBe(5);
  expect(await metric('rating_jobs_total', { result: 'failed' })).toBe(0);
  expect(await worker.readiness()).toEqual({ ...READY, postgres: false });
  expect(await metric('rating_worker_ready', { part: 'postgres' })).toBe(0);
  const answer = await fetch(`http://127.0.0.1:${worker.port()}/ready`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('keep-alive')).toBe('timeout=620');
  expect(await answer.json()).toMatchObject({ ready: true, parts: { postgres: false } });

  await stack.postgres.start();
  await expectExact(pool, redis, [known!, unknown!]);
  await eventually('it is ready', async () => (await worker.readiness())['postgres']);
  expect(await metric('rating_rebuilds_total', { reason: 'deferred' })).toBe(1);
  expect(await metric('rating_dead_letters_total')).toBe(0);
});

test('holds the backlog back in Kafka where too many rebuilds wait for PostgreSQL', async () => {
  const { pool, redis, kafka, stack } = servers;
  const pipeline = await createPipeline(servers, { partitions: 1 });
  const { metric } = await startWorker(pipeline, { RATING_MAX_DEFERRED_REBUILDS: '3', RATING_JOB_MAX_EVENTS: '1' });
  const products = await insertProducts(pool, 30);
  await insertReviews(pool, products);
  const events = await takeEvents(pool);
  await stack.postgres.kill();
  await send(kafka, pipeline.topic, events);
  await eventually('some are deferred', async () => (await metric('rating_events_total', { result: 'deferred' })) >= 3);
  expect(await readLag(kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)).toBe(30);
  await stack.postgres.start();
  await expectExact(pool, redis, products);
  expect(await metric('rating_jobs_total', { result: 'failed' })).toBe(0);
});

test('survives kill -9 in the middle of a job', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 20);
  await insertReviews(pool, products);
  // The rebuild waits for this lock, so the job is certain to be in the middle when its worker dies.
  const lock = await pool.connect();
  try {
    await lock.query('BEGIN; LOCK TABLE review_streams IN ACCESS EXCLUSIVE MODE');
    const doomed = await spawnWorker(servers, pipeline, 'doomed', await findFreePort());
    await relay(pool, kafka, pipeline.topic);
    await eventually('the rebuild waits for the lock', async () => {
      const { rows } = await pool.query(
        `SELECT FROM pg_stat_activity WHERE application_name = 'rating-worker' AND wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    await doomed.kill();
  } finally {
    lock.release(true);
  }

  const { metric } = await startWorker(pipeline);
  await expectExact(pool, redis, products, 15_000);
  await changeReviews(pool, products);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  expect(await metric('rating_gaps_total')).toBe(0);
});

test('stops on SIGTERM with exit code 0 within seconds, under load, with its offsets committed', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 10);
  const worker = await spawnWorker(servers, pipeline, 'stopped', await findFreePort());
  for (let i = 0; i < 5; i += 1) {
    await changeReviews(pool, products);
    await relay(pool, kafka, pipeline.topic);
  }
  // One that is not done within 20 s is killed.
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
  await startWorker(pipeline);
  await expectExact(pool, redis, products);
});

test('stops within seconds while every server is down', async () => {
  const { pool, kafka, stack } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 5);
  const worker = await spawnWorker(servers, pipeline, 'lonely', await findFreePort());
  await insertReviews(pool, products, 10);
  await stack.redis.kill();
  await relay(pool, kafka, pipeline.topic);
  await stack.kafka.kill();
  await stack.postgres.kill();
  // One that is not done within 20 s is killed.
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});

test('is exact again after FLUSHALL and after a restart of Redis with nothing in it, in the middle of work', async () => {
  const { pool, redis, kafka, stack } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 20);
  const { worker } = await startWorker(pipeline, { RATING_JOB_LOOKUP_AFTER_MS: '500' });
  const write = async (): Promise<void> => {
    await changeReviews(pool, products);
    await relay(pool, kafka, pipeline.topic);
  };
  await write();
  await expectExact(pool, redis, products);
  await write();
  await redis.flushall();
  await write();
  await expectExact(pool, redis, products);
  await write();
  await stack.redis.kill();
  await write();
  expect((await worker.readiness())['redis']).toBe(false);
  await stack.redis.start({ empty: true });
  await write();
  await expectExact(pool, redis, products);
  expect(await worker.readiness()).toEqual(READY);
});

test('waits for Redis and Kafka that are down when it starts', async () => {
  const { pool, redis, kafka, stack } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 5);
  await insertReviews(pool, products, 3);
  await relay(pool, kafka, pipeline.topic);
  await stack.redis.stop();
  await stack.kafka.stop();
  const { worker, fatal } = createWorker(pipeline);
  const started = worker.start(new AbortController().signal);
  await eventually('the health server answers', () => worker.port() !== 0);
  expect((await fetch(`http://127.0.0.1:${worker.port()}/ready`)).status).toBe(503);
  await stack.redis.start();
  expect((await fetch(`http://127.0.0.1:${worker.port()}/ready`)).status).toBe(503);
  await stack.kafka.start();
  await started;
  await expectExact(pool, redis, products);
  expect(fatal).toEqual([]);
});

test('ends its waits when it is asked to stop before the servers are there', async () => {
  const { stack } = servers;
  const pipeline = await createPipeline(servers);
  await stack.redis.stop();
  const { worker } = createWorker(pipeline);
  const abort = new AbortController();
  const started = worker.start(abort.signal);
  await eventually('the health server answers', () => worker.port() !== 0);
  abort.abort(new Error('stop'));
  await expect(started).rejects.toThrow('stop');
});

test('is exact again after Kafka was killed and came back', async () => {
  const { pool, redis, kafka, stack } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 10);
  const { worker, fatal } = await startWorker(pipeline);
  await insertReviews(pool, products, 3);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  await stack.kafka.kill();
  await eventually('it is not ready', async () => !(await worker.readiness())['kafka'], 30_000);
  await changeReviews(pool, products);
  await stack.kafka.start();
  await eventually('the events are sent', async () => {
    await relay(pool, kafka, pipeline.topic);
    return true;
  });
  await expectExact(pool, redis, products, 30_000);
  await eventually('it is ready again', async () => (await worker.readiness())['kafka'] === true, 30_000);
  expect(fatal).toEqual([]);
});

test('works for a Redis user without the dangerous commands, INFO, CONFIG, KEYS and SCAN', async () => {
  const { pool, redis, kafka } = servers;
  const refused = ['-@dangerous', '-info', '-config', '-keys', '-scan'];
  // ACL itself is dangerous, and has to give everything back.
  await redis.acl('SETUSER', 'default', ...refused, '+acl');
  try {
    await expect(redis.info()).rejects.toThrow('NOPERM');
    const pipeline = await createPipeline(servers);
    const { worker, metric, fatal } = await startWorker(pipeline, {
      RECONCILER_ENABLED: 'true',
      RECONCILER_SEQUENCE_SCAN_INTERVAL_MS: '100',
    });
    const products = await insertProducts(pool, 5);
    for (let round = 0; round < 3; round += 1) {
      await changeReviews(pool, products);
      await relay(pool, kafka, pipeline.topic);
    }
    await expectExact(pool, redis, products);
    await eventually(
      'the scans that need no SCAN are made, while one that failed would have been tried again',
      async () =>
        (await metric('rating_reconciler_scans_total', { scan: 'sequences' })) > 50 &&
        (await metric('rating_reconciler_scans_total', { scan: 'counts' })) > 0,
    );
    expect(await metric('rating_reconciler_scans_total', { scan: 'orphans' })).toBe(0);
    expect(Object.values(await worker.readiness())).not.toContain(false);
    expect(fatal).toEqual([]);
  } finally {
    await redis.acl('SETUSER', 'default', '+@all');
  }
  expect(Number(/cmdstat_scan:.*rejected_calls=(\d+)/.exec(await redis.info('commandstats'))?.[1])).toBe(1);
});

test('waits for a Redis that would evict jobs to be set right, and says so', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const products = await insertProducts(pool, 2);
  await insertReviews(pool, products);
  await relay(pool, kafka, pipeline.topic);
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  try {
    const { worker, fatal } = createWorker(pipeline);
    const started = worker.start(new AbortController().signal);
    await eventually('the health server answers', () => worker.port() !== 0);
    await eventually('the policy was looked at', async () =>
      String(await redis.client('LIST')).includes('name=rating-worker:ratings'),
    );
    expect((await fetch(`http://127.0.0.1:${worker.port()}/ready`)).status).toBe(503);
    expect(await redis.exists(`bull:${pipeline.env['RATING_QUEUE_NAME']}:meta`)).toBe(0);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await started;
    await expectExact(pool, redis, products);
    expect(fatal).toEqual([]);
  } finally {
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
  }
});

test('a paused queue is shown, and resumed by a command', async () => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const { worker, metric } = await startWorker(pipeline);
  const queue = new Queue(pipeline.env['RATING_QUEUE_NAME']!, { connection: redis });
  await queue.pause();
  try {
    const products = await insertProducts(pool, 2);
    await insertReviews(pool, products);
    await relay(pool, kafka, pipeline.topic);
    expect(await worker.readiness()).toEqual({ ...READY, queue: false });
    expect(await metric('rating_worker_ready', { part: 'queue' })).toBe(0);
    const { stdout } = await execFileAsync(process.execPath, [RATINGS_COMMAND_ENTRY, 'resume'], {
      env: { PATH: process.env['PATH'], ...pipeline.env },
    });
    expect(stdout).toBe(`the queue ${pipeline.env['RATING_QUEUE_NAME']} runs again\n`);
    await expectExact(pool, redis, products);
    expect(await worker.readiness()).toEqual(READY);
  } finally {
    await queue.close();
  }
});

test.each([
  ['by a rebuild', { RECONCILER_ENABLED: 'false' }],
  [
    'by the reconciler',
    { RECONCILER_ENABLED: 'true', RECONCILER_GRACE_MS: '200', RECONCILER_RECENT_INTERVAL_MS: '200' },
  ],
])('makes the rating right anyway, %s, where a job used up its attempts', async (_, env) => {
  const { pool, redis, kafka } = servers;
  const pipeline = await createPipeline(servers);
  const { metric } = await startWorker(pipeline, {
    RATING_JOB_ATTEMPTS: '2',
    RATING_JOB_BACKOFF_MS: '20',
    ...env,
  });
  const products = await insertProducts(pool, 4);
  await insertReviews(pool, products, 2);
  await relay(pool, kafka, pipeline.topic);
  await expectExact(pool, redis, products);
  // Redis takes jobs, but refuses to touch ratings.
  await redis.acl('SETUSER', 'default', 'resetkeys', '~bull:*', '~rating-worker:*');
  try {
    await insertReviews(pool, products);
    await relay(pool, kafka, pipeline.topic);
    await eventually('the jobs have failed', async () => (await metric('rating_jobs_total', { result: 'failed' })) > 0);
    await eventually(
      'the offsets move on',
      async () => (await readLag(kafka, pipeline.env['KAFKA_GROUP_ID']!, pipeline.topic)) === 0,
    );
  } finally {
    await redis.acl('SETUSER', 'default', 'allkeys');
  }
  await expectExact(pool, redis, products);
  expect(await redis.zcard(`bull:${pipeline.env['RATING_QUEUE_NAME']}:failed`)).toBeGreaterThan(0);
});
