import { randomUUID } from 'node:crypto';
import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { connectRedis } from '@exact-ratings/stack/testing/redis.js';
import type { Redis } from 'ioredis';
import { SharedBudgets, WINDOW_MS } from './shared-budgets.js';

const logger = createLogger('test', 'silent');

let redis: Redis;
let processes: SharedBudgets[];

beforeAll(async () => {
  redis = connectRedis();
  await redis.ping();
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  await removeKeys();
  processes = [new SharedBudgets(redis, 5_000, logger), new SharedBudgets(redis, 5_000, logger)];
});
afterEach(() => processes.forEach((one) => one.stop()));

const keys = (): Promise<string[]> => redis.keys('rateLimit:*');

async function removeKeys(): Promise<void> {
  const found = await keys();
  if (found.length > 0) await redis.del(found);
}

/** What is gone of the budget, as a share. */
const gone = (budgets: SharedBudgets, name: string): number => budgets.goneMs(name) / WINDOW_MS;

/** Once the process has asked Redis: a budget that it does not know is whole to it. */
async function goneOnceKnown(budgets: SharedBudgets, name: string, least: number): Promise<number> {
  await eventually('the process knows what others have spent', () => {
    budgets.spend(name, 0.000_001);
    return gone(budgets, name) >= least;
  });
  return gone(budgets, name);
}

test('a process alone is exact, without waiting for Redis', () => {
  const [budgets] = processes as [SharedBudgets];
  for (let i = 0; i < 10; i += 1) {
    expect(budgets.waitMs('caller', 0.1)).toBe(0);
    budgets.spend('caller', 0.1);
  }
  const waitMs = budgets.waitMs('caller', 0.1);
  // A tenth of the minute, less what has passed of it.
  expect(waitMs).toBeGreaterThan(0);
  expect(waitMs).toBeLessThanOrEqual(WINDOW_MS / 10);
  expect(budgets.waitMs('another', 1)).toBe(0);
});

test('processes learn what others have spent', async () => {
  const [one, other] = processes as [SharedBudgets, SharedBudgets];
  one.spend('caller', 0.5);
  await eventually('Redis knows it', async () => (await keys()).length === 1);
  other.spend('caller', 0.3);
  expect(await goneOnceKnown(other, 'caller', 0.7)).toBeLessThanOrEqual(0.8 + 0.01);
  expect(await goneOnceKnown(one, 'caller', 0.7)).toBeLessThanOrEqual(0.8 + 0.01);
  expect(other.waitMs('caller', 0.4)).toBeGreaterThan(0);
  expect(other.waitMs('caller', 0.1)).toBe(0);
});

test('more than the whole can be spent of a whole budget, and puts it off for two minutes at most', async () => {
  const [one, other] = processes as [SharedBudgets, SharedBudgets];
  expect(one.waitMs('caller', 5)).toBe(0);
  one.spend('caller', 5);
  await eventually('Redis knows it', () => gone(one, 'caller') <= 2);
  expect(await goneOnceKnown(other, 'caller', 1.5)).toBeLessThanOrEqual(2);
});

test('keys say nothing about the caller, and expire when the budget is whole', async () => {
  const [budgets] = processes as [SharedBudgets];
  const name = `reads ["https://issuer.example","alice-${randomUUID()}"]`;
  budgets.spend(name, 0.5);
  await eventually('Redis knows it', async () => (await keys()).length === 1);
  const [key] = (await keys()) as [string];
  expect(key).toMatch(/^rateLimit:[\w-]{24}$/);
  const ttl = await redis.pttl(key);
  expect(ttl).toBeGreaterThan(0);
  expect(ttl).toBeLessThanOrEqual(WINDOW_MS / 2);
  budgets.spend('small', 0.000_1);
  await eventually('the small one is gone', async () => {
    const left = await keys();
    return left.length === 1 && left[0] === key;
  });
});

test.each<[string, (key: string) => Promise<unknown>]>([
  ['a word', (key) => redis.set(key, 'x')],
  ['a list', async (key) => (await redis.del(key)) && redis.lpush(key, 'x')],
  ['a time in the far future', (key) => redis.set(key, '9'.repeat(18))],
  ['a time in the past', (key) => redis.set(key, '1')],
])('%s in the place of a budget does no lasting harm, and none to others', async (_name, spoil) => {
  const [one, other] = processes as [SharedBudgets, SharedBudgets];
  one.spend('caller', 0.2);
  await eventually('Redis knows it', async () => (await keys()).length === 1);
  await spoil((await keys())[0]!);
  one.spend('another', 0.5);
  one.spend('caller', 0.000_001);
  expect(await goneOnceKnown(other, 'another', 0.4)).toBeLessThanOrEqual(0.51);
  await eventually('it is what it can be', () => gone(one, 'caller') <= 2);
});

test('many callers of a moment are few calls, in several where there are very many', async () => {
  const [budgets] = processes as [SharedBudgets];
  const before = await callsOfScripts();
  for (let i = 0; i < 1_000; i += 1) budgets.spend(`caller ${i}`, 0.9);
  await eventually('Redis knows all', async () => (await keys()).length === 1_000);
  expect((await callsOfScripts()) - before).toBe(5);
  for (let i = 0; i < 1_000; i += 1) expect(budgets.waitMs(`caller ${i}`, 0.5)).toBeGreaterThan(0);
});

async function callsOfScripts(): Promise<number> {
  const stats = await redis.info('commandstats');
  return ['eval', 'evalsha'].reduce((sum, name) => {
    const calls = new RegExp(`cmdstat_${name}:calls=(\\d+).*failed_calls=(\\d+)`).exec(stats);
    return sum + Number(calls?.[1] ?? 0) - Number(calls?.[2] ?? 0);
  }, 0);
}
