import type { Stack } from '@exact-ratings/stack/stack.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import { startOwnServers } from '@exact-ratings/stack/testing/shared-servers.js';
import type { Redis } from 'ioredis';
import { LeaderLease } from './leader-lease.js';
import { DataLossDetector } from './data-loss-detector.js';

let stack: Stack;
let redis: Redis;

beforeAll(async () => {
  stack = await startOwnServers('redis');
  redis = connectRedis(stack.env);
}, 120_000);
beforeEach(() => redis.flushall());
afterAll(async () => {
  redis?.disconnect();
  await stack?.stop();
});

const QUIET = { lostData: false, isNew: false, requested: false };
const detector = (): DataLossDetector => new DataLossDetector(redis, 'heartbeat', 'requests');

describe('the check for a loss', () => {
  test('are none while the heartbeat grows', async () => {
    const leader = detector();
    expect(await leader.check(true)).toEqual({ ...QUIET, isNew: true });
    for (let i = 0; i < 3; i += 1) expect(await leader.check(true)).toEqual(QUIET);
  });

  test('are none for a process that starts later, or takes over', async () => {
    await detector().check(true);
    const next = detector();
    expect(await next.check(false)).toEqual(QUIET);
    expect(await next.check(true)).toEqual(QUIET);
  });

  test('are a heartbeat that is gone', async () => {
    const leader = detector();
    await leader.check(true);
    await redis.flushall();
    expect(await leader.check(true)).toEqual({ ...QUIET, lostData: true });
    expect(await leader.check(true)).toEqual(QUIET);
  });

  test('are a heartbeat that is lower than it was: an older copy', async () => {
    const leader = detector();
    for (let i = 0; i < 5; i += 1) await leader.check(true);
    await redis.set('heartbeat', 4);
    expect(await leader.check(true)).toEqual({ ...QUIET, lostData: true });
  });

  test('are kept by who does not lead until they do', async () => {
    const [leader, other] = [detector(), detector()];
    await leader.check(true);
    await other.check(false);
    await redis.flushall();
    expect(await other.check(false)).toEqual(QUIET);
    expect(await other.check(true)).toEqual({ ...QUIET, lostData: true });
  });
});

test('tells of a request once, to everybody', async () => {
  const [leader, other] = [detector(), detector()];
  await leader.check(true);
  await other.check(false);
  await other.requestComparison();
  expect(await leader.check(true)).toEqual({ ...QUIET, requested: true });
  expect(await other.check(false)).toEqual({ ...QUIET, requested: true });
  expect(await leader.check(true)).toEqual(QUIET);
});

describe('the lease', () => {
  test('belongs to one at a time, and to the next when it is released', async () => {
    const [a, b] = [new LeaderLease(redis, 'leader', 60_000), new LeaderLease(redis, 'leader', 60_000)];
    expect([await a.hold(), await b.hold(), await a.hold()]).toEqual([true, false, true]);
    await b.release();
    expect(await b.hold()).toBe(false);
    await a.release();
    expect([await b.hold(), await a.hold()]).toEqual([true, false]);
  });

  test('ends by itself when its holder does not come back', async () => {
    const [a, b] = [new LeaderLease(redis, 'leader', 50), new LeaderLease(redis, 'leader', 60_000)];
    expect(await a.hold()).toBe(true);
    expect(await b.hold()).toBe(false);
    while (!(await b.hold()));
    expect(await a.hold()).toBe(false);
  });
});
