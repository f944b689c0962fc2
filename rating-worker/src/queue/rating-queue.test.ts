import { randomUUID } from 'node:crypto';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { sharedServers } from '@exact-ratings/stack/testing/shared-servers.js';
import { jest } from '@jest/globals';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { readRatingWorkerConfig, type RatingWorkerConfig } from '../config.js';
import { createQueueConnection } from '../connections.js';
import { createMetrics, type WorkerMetrics } from '../metrics.js';
import type { ApplyJob } from './rating-job.js';
import { RatingQueue } from './rating-queue.js';
import { SnoozeJobError, startRatingJobWorker, type RatingJob, type RatingJobWorker } from './rating-job-worker.js';

const logger = createLogger('test', 'silent');
const never = new AbortController().signal;
let config: RatingWorkerConfig;
let metrics: WorkerMetrics;
let inspect: Queue;
let queue: RatingQueue;
const connections: Redis[] = [];
const workers: RatingJobWorker[] = [];

beforeEach(() => {
  config = readRatingWorkerConfig({
    ...sharedServers().env,
    RATING_QUEUE_NAME: randomUUID(),
    RATING_JOB_ATTEMPTS: '3',
    RATING_JOB_BACKOFF_MS: '1',
    RATING_JOB_LOOKUP_AFTER_MS: '200',
  });
  metrics = createMetrics();
  queue = new RatingQueue(connect(), config.jobs, logger);
  inspect = new Queue(config.jobs.queueName, { connection: connect(), prefix: config.jobs.prefix });
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close(2_000)));
  await queue.close();
  await inspect.close();
  for (const redis of connections.splice(0)) redis.disconnect();
});

function connect(): Redis {
  const redis = createQueueConnection(config.redis, 'test', true, logger);
  connections.push(redis);
  return redis;
}

function work(process: (job: RatingJob) => Promise<void>): void {
  workers.push(startRatingJobWorker({ redis: connect(), config: config.jobs, process, metrics, logger }));
}

function job(productId = randomUUID()): ApplyJob {
  return { products: [{ productId, changes: [[1, '0a1b2c3d', 0, 0, 5]] }] };
}

/** BullMQ's queue behind ours. */
function inspected(of: RatingQueue): Queue {
  return (of as unknown as { queue: Queue }).queue;
}

async function counted(result: string): Promise<number> {
  const { values } = await metrics.jobs.get();
  return values.find(({ labels }) => labels.result === result)?.value ?? 0;
}

test('resolves when all jobs have finished, each done once', async () => {
  const done: string[] = [];
  work((one) => {
    done.push(JSON.stringify(one.data));
    return Promise.resolve();
  });
  const jobs = Array.from({ length: 50 }, () => job());
  expect(await queue.addAndWait(jobs, never)).toEqual([]);
  expect(done.sort()).toEqual(jobs.map((one) => JSON.stringify(one)).sort());
  await eventually('all are counted', async () => (await counted('completed')) === 50);
});

test('does not resolve before the slowest job has finished', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = job();
  work((one) => (JSON.stringify(one.data) === JSON.stringify(slow) ? held : Promise.resolve()));
  let resolved = false;
  const finished = queue.addAndWait([job(), slow, job()], never).then(() => {
    resolved = true;
  });
  await eventually('the others are done', async () => (await counted('completed')) === 2);
  expect(resolved).toBe(false);
  release();
  await finished;
});

test('reports the jobs that used up their attempts and keeps them for inspection', async () => {
  const bad = job();
  work((one) =>
    JSON.stringify(one.data) === JSON.stringify(bad) ? Promise.reject(new Error('no luck')) : Promise.resolve(),
  );
  expect(await queue.addAndWait([job(), bad, job()], never)).toEqual([bad]);
  await eventually(
    'all are counted',
    async () => (await counted('completed')) === 2 && (await counted('failed')) === 1,
  );
  expect(await counted('retried')).toBe(2);
  const [kept] = await inspect.getFailed();
  expect(kept).toMatchObject({ data: bad, failedReason: 'no luck', attemptsMade: 3 });
});

test('tries a job that failed again, after a back-off', async () => {
  let attempts = 0;
  work(() => {
    attempts += 1;
    return attempts < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve();
  });
  expect(await queue.addAndWait([job()], never)).toEqual([]);
  expect(attempts).toBe(3);
});

test('adds again what Redis lost', async () => {
  const finished = queue.addAndWait([job(), job()], never);
  await eventually('both are queued', async () => (await inspect.getWaitingCount()) === 2);
  await connections[0]!.flushall();
  work(() => Promise.resolve());
  expect(await finished).toEqual([]);
});

test('lets another worker do what a dead one has taken, once its lock is gone', async () => {
  let taken = 0;
  let wake = (): void => {};
  const dead = new Promise<void>((resolve) => {
    wake = resolve;
  });
  work(() => {
    taken += 1;
    return taken === 1 ? dead : Promise.resolve();
  });
  const finished = queue.addAndWait([job()], never);
  await eventually('it is taken', () => taken === 1);
  const locks = await connections[0]!.keys(`${config.jobs.prefix}:${config.jobs.queueName}:*:lock`);
  expect(locks).toHaveLength(1);
  await connections[0]!.del(locks);
  expect(await finished).toEqual([]);
  expect(taken).toBe(2);
  wake();
});

test('starts no job a second time while its worker is alive, however long it takes', async () => {
  let taken = 0;
  let release = (): void => {};
  const long = new Promise<void>((resolve) => {
    release = resolve;
  });
  work(() => {
    taken += 1;
    return long;
  });
  const finished = queue.addAndWait([job()], never);
  const lookups = jest.spyOn(inspected(queue), 'getJobState');
  await eventually('it was looked up several times', () => lookups.mock.calls.length >= 4);
  expect(taken).toBe(1);
  expect(await inspect.getWaitingCount()).toBe(0);
  release();
  expect(await finished).toEqual([]);
  expect(taken).toBe(1);
});

test('takes a finished job for finished when the news of it was lost', async () => {
  const events = (queue as unknown as { events: { close(): Promise<void> } }).events;
  await events.close();
  work(() => Promise.resolve());
  expect(await queue.addAndWait([job(), job()], never)).toEqual([]);
  await eventually('both are counted', async () => (await counted('completed')) === 2);
});

test('uses up no attempt for work that is snoozed', async () => {
  let times = 0;
  work(() => {
    times += 1;
    return times <= 5 ? Promise.reject(new SnoozeJobError(10)) : Promise.resolve();
  });
  expect(await queue.addAndWait([job()], never)).toEqual([]);
  expect(times).toBe(6);
  expect([await counted('failed'), await counted('retried')]).toEqual([0, 0]);
});

test('ends its wait when aborted', async () => {
  const abort = new AbortController();
  const finished = queue.addAndWait([job()], abort.signal);
  await eventually('it is queued', async () => (await inspect.getWaitingCount()) === 1);
  abort.abort(new Error('stop'));
  await expect(finished).rejects.toThrow('stop');
});

test('keeps few completed jobs', async () => {
  work(() => Promise.resolve());
  for (let i = 0; i < 12; i += 1)
    await queue.addAndWait(
      Array.from({ length: 100 }, () => job()),
      never,
    );
  expect(await inspect.getCompletedCount()).toBeLessThanOrEqual(1_000);
});
