import { createRequire } from 'node:module';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { createLogger } from '../runtime/logger.js';
import { createKafkaClient } from './kafka-client.js';

interface Queue {
  throttledUntil: number;
  isConnected: () => boolean;
  push(request: { entry: { correlationId: number }; expectResponse: boolean; sendRequest: () => void }): void;
  fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void;
  maybeThrottle(milliseconds: number): void;
  scheduleRequestTimeoutCheck(): void;
  destroy(): void;
}

let queue: Queue;
let sent: number[];

beforeEach(() => {
  createKafkaClient(
    { brokers: ['127.0.0.1:1'], topic: 'events', deadLetterTopic: 'dead' },
    'test',
    createLogger('test', 'silent'),
  );
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
    options: object,
  ) => Queue;
  const logger = { debug: () => undefined, warn: () => undefined };
  queue = new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 50,
    enforceRequestTimeout: true,
    clientId: 'c',
    broker: 'b',
    logger,
  });
  sent = [];
});
afterEach(() => queue.destroy());

function push(correlationId: number, reject: (error: Error) => void = () => undefined): void {
  const entry = { correlationId, resolve: () => undefined, reject };
  queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(correlationId) });
}
const answer = (correlationId: number): void =>
  queue.fulfillRequest({ correlationId, payload: Buffer.alloc(0), size: 0 });
const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('a connection without requests sets no timer', () => {
  const before = timers();
  push(1);
  answer(1);
  expect(sent).toEqual([1]);
  expect(timers()).toBe(before);
});

test('a request that waits for another one is sent after the answer to that one', () => {
  push(1);
  push(2);
  expect(sent).toEqual([1]);
  answer(1);
  expect(sent).toEqual([1, 2]);
});

test('a request that a broker throttles is sent when the time is over', async () => {
  push(1);
  queue.maybeThrottle(30);
  push(2);
  answer(1);
  expect(sent).toEqual([1]);
  await eventually('the request', () => sent.length === 2);
  expect(Date.now()).toBeGreaterThanOrEqual(queue.throttledUntil);
});

test('a request without an answer is given up', async () => {
  let reason = '';
  queue.scheduleRequestTimeoutCheck();
  push(1, (error) => (reason = error.message));
  await eventually('the time-out', () => reason, 10_000);
  expect(reason).toMatch(/timed out/);
}, 20_000);

test('a connection that is closed stops looking', async () => {
  const before = timers();
  queue.isConnected = () => false;
  queue.scheduleRequestTimeoutCheck();
  expect(timers()).toBe(before + 1);
  await eventually('no timer', () => timers() <= before, 10_000);
}, 20_000);
