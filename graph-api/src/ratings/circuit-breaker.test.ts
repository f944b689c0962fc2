import { CircuitBreaker } from './circuit-breaker.js';

let now: number;
let changes: boolean[];
let breaker: CircuitBreaker;

beforeEach(() => {
  now = 0;
  changes = [];
  breaker = new CircuitBreaker(
    {
      failureShare: 0.5,
      minFailures: 5,
      windowMs: 1_000,
      openMs: 1_000,
      onChange: (open) => changes.push(open),
    },
    () => now,
  );
});

const fail = (times: number): void => {
  for (let i = 0; i < times; i += 1) breaker.failed();
};
const succeed = (times: number): void => {
  for (let i = 0; i < times; i += 1) breaker.succeeded();
};

test('failures alone open the circuit once there are enough', () => {
  fail(4);
  expect(breaker.allows()).toBe(true);
  fail(1);
  expect(breaker.allows()).toBe(false);
  expect(changes).toEqual([true]);
});

test('a row of failures among many successes does not', () => {
  succeed(100);
  fail(20);
  expect(breaker.allows()).toBe(true);
  expect(changes).toEqual([]);
});

test('an outage after many successes does, within two windows', () => {
  succeed(1_000);
  now = 1_000;
  fail(5);
  expect(breaker.isOpen).toBe(false);
  now = 2_000;
  fail(5);
  expect(breaker.isOpen).toBe(true);
});

test('failures that are far apart do not add up', () => {
  for (let i = 0; i < 20; i += 1) {
    breaker.failed();
    now += 1_000;
  }
  expect(breaker.isOpen).toBe(false);
});

test('while it is open one caller a period may try; a success closes it', () => {
  fail(5);
  now = 999;
  expect(breaker.allows()).toBe(false);
  now = 1_000;
  expect([breaker.allows(), breaker.allows()]).toEqual([true, false]);
  fail(1);
  now = 1_999;
  expect(breaker.allows()).toBe(false);
  now = 2_000;
  expect(breaker.allows()).toBe(true);
  succeed(1);
  expect(breaker.allows()).toBe(true);
  expect(changes).toEqual([true, false]);
  fail(4);
  expect(breaker.isOpen).toBe(false);
});
