import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { insertProduct, insertReview, outboxEvents } from '@exact-ratings/stack/testing/rows.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { arrivedSeqs, recordingPublisher, slowly, type RecordingPublisher } from '../testing/recording-publisher.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { createRelay, type Relay, type RelayTimeouts } from './relay.js';

const logger = createLogger('test', 'silent');
/** Longer than any test: what is sent was sent because of `wake`. */
const NO_POLL = 60_000;

let database: TestDatabase;
let relays: Relay[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
  await database.drop();
});

function startRelay(
  publisher: RecordingPublisher,
  { batchSize = 500, pollIntervalMs = NO_POLL, timeouts = undefined as RelayTimeouts | undefined } = {},
): Relay {
  const relay = createRelay(database.config, { batchSize, pollIntervalMs }, publisher, logger, timeouts);
  relays.push(relay);
  relay.start();
  return relay;
}

const drained = () => eventually('the outbox is empty', async () => (await outboxEvents(database.pool)).length === 0);
const oneToN = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const relayBackends = () =>
  database.pool.query(
    `SELECT pid, state FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'outbox-relay'`,
  );

test('sends what waits at its start, in order, in batches of the size given, and deletes it', async () => {
  const products = [await insertProduct(database.pool), await insertProduct(database.pool)];
  for (let i = 0; i < 10; i += 1) await insertReview(database.pool, products[i % 2]!, 4);
  const events = await outboxEvents(database.pool);
  const publisher = recordingPublisher();
  startRelay(publisher, { batchSize: 3 });
  await drained();
  expect(publisher.batches).toEqual([3, 3, 3, 1]);
  expect(publisher.messages.map(({ key }) => key)).toEqual(events.map(({ aggregateid }) => aggregateid));
  expect(publisher.messages.map(({ value }) => JSON.parse(value) as unknown)).toEqual(
    events.map(({ payload }) => payload),
  );
});

test('sends right after the commit that woke it', async () => {
  const product = await insertProduct(database.pool);
  const publisher = recordingPublisher();
  const relay = startRelay(publisher);
  await eventually('its first, empty batch', async () => (await relayBackends()).rowCount);
  const latencies: number[] = [];
  for (let i = 1; i <= 30; i += 1) {
    await insertReview(database.pool, product, 4);
    const committed = performance.now();
    relay.wake();
    while (publisher.messages.length < i) await new Promise((resolve) => setImmediate(resolve));
    latencies.push(performance.now() - committed);
  }
  // The poll comes after a minute.
  expect(latencies.sort((a, b) => a - b)[15]).toBeLessThan(1_000);
});

test('what is committed while a batch is being sent is sent next, without a poll', async () => {
  const product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 1);
  let acknowledge: (() => void) | undefined;
  const publisher = recordingPublisher(() => new Promise<void>((resolve) => (acknowledge = resolve)));
  const relay = startRelay(publisher);
  await eventually('the first send', () => acknowledge);
  await insertReview(database.pool, product, 2);
  relay.wake();
  const first = acknowledge!;
  acknowledge = undefined;
  first();
  await eventually('the second send', () => acknowledge);
  acknowledge!();
  await drained();
  expect(arrivedSeqs(publisher.messages, product)).toEqual([1, 2]);
});

test('finds by polling what a killed process left', async () => {
  const publisher = recordingPublisher();
  startRelay(publisher, { pollIntervalMs: 30 });
  const product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 4);
  await drained();
  expect(arrivedSeqs(publisher.messages, product)).toEqual([1]);
});

test('several relays and a hot product: one sends at a time, so nothing overtakes and nothing is sent twice', async () => {
  const hot = await insertProduct(database.pool);
  const publisher = recordingPublisher(slowly(8));
  const instances = [1, 2, 3].map(() => startRelay(publisher, { batchSize: 7 }));
  await Promise.all(
    instances.map(async (relay) => {
      for (let i = 0; i < 60; i += 1) {
        await insertReview(database.pool, hot, 3);
        relay.wake();
      }
    }),
  );
  await drained();
  expect(arrivedSeqs(publisher.messages, hot)).toEqual(oneToN(180));
});

test('a relay that finds the lock held elsewhere tries again soon, not at the next poll', async () => {
  const product = await insertProduct(database.pool);
  await insertReview(database.pool, product, 1);
  let acknowledge: (() => void) | undefined;
  const busy = recordingPublisher(() => new Promise<void>((resolve) => (acknowledge ??= resolve)));
  startRelay(busy);
  await eventually('the first relay sends', () => acknowledge);

  const publisher = recordingPublisher();
  const second = startRelay(publisher);
  await insertReview(database.pool, product, 2);
  second.wake();
  await eventually('the second relay is refused the lock', async () => (await relayBackends()).rowCount === 2);
  expect(publisher.messages).toEqual([]);
  acknowledge!();
  await drained();
  expect(arrivedSeqs(publisher.messages, product)).toEqual([2]);
});

test('numbers that become visible out of the order of their positions are not lost', async () => {
  const [early, late] = [await insertProduct(database.pool), await insertProduct(database.pool)];
  const open = await database.pool.connect();
  await open.query('BEGIN');
  await insertReview(open, early, 5);
  await insertReview(database.pool, late, 5);
  const publisher = recordingPublisher();
  const relay = startRelay(publisher);
  await drained();
  expect(arrivedSeqs(publisher.messages, late)).toEqual([1]);
  await open.query('COMMIT');
  open.release();
  relay.wake();
  await drained();
  expect(arrivedSeqs(publisher.messages, early)).toEqual([1]);
});

test('rows that become visible between two batches of a transaction do not let later ones overtake them', async () => {
  const [early, late] = [await insertProduct(database.pool), await insertProduct(database.pool)];
  const open = await database.pool.connect();
  await open.query('BEGIN');
  await insertReview(open, early, 5);
  for (let i = 0; i < 6; i += 1) await insertReview(database.pool, late, 5);
  let sends = 0;
  const publisher = recordingPublisher(async () => {
    sends += 1;
    if (sends !== 1) return;
    await open.query('COMMIT');
    await insertReview(database.pool, early, 4);
  });
  const relay = startRelay(publisher, { batchSize: 2 });
  await eventually('the first send', () => sends > 0);
  relay.wake();
  await drained();
  open.release();
  expect(arrivedSeqs(publisher.messages, early)).toEqual([1, 2]);
  expect(arrivedSeqs(publisher.messages, late)).toEqual(oneToN(6));
});

describe('Kafka fails', () => {
  test('the rows stay, the tries back off, and all is sent once it answers', async () => {
    const product = await insertProduct(database.pool);
    for (let i = 0; i < 5; i += 1) await insertReview(database.pool, product, 4);
    let fails = true;
    const publisher = recordingPublisher(async () => {
      if (fails) throw new Error('no broker');
    });
    const relay = startRelay(publisher);
    const began = performance.now();
    await eventually('three tries', () => publisher.attempts() >= 3);
    // 50–100 ms, then 100–200 ms.
    expect(performance.now() - began).toBeGreaterThan(150);
    relay.wake();
    expect(await outboxEvents(database.pool)).toHaveLength(5);
    fails = false;
    await drained();
    expect(arrivedSeqs(publisher.messages, product)).toEqual(oneToN(5));
  });

  test('what was acknowledged before in the same transaction is not sent again', async () => {
    const product = await insertProduct(database.pool);
    for (let i = 0; i < 6; i += 1) await insertReview(database.pool, product, 4);
    let sends = 0;
    const publisher = recordingPublisher(async () => {
      sends += 1;
      if (sends === 3) throw new Error('no broker');
    });
    startRelay(publisher, { batchSize: 2 });
    await drained();
    expect(arrivedSeqs(publisher.messages, product)).toEqual(oneToN(6));
  });

  test('a send that never ends is given up and does not keep the lock', async () => {
    const product = await insertProduct(database.pool);
    await insertReview(database.pool, product, 4);
    let hangs = true;
    const publisher = recordingPublisher(() => (hangs ? new Promise(() => undefined) : Promise.resolve()));
    startRelay(publisher, { timeouts: { publishMs: 200, idleTransactionMs: 5_000, retryOversizedMs: 60_000 } });
    await eventually('a second try', () => publisher.attempts() >= 2);
    expect(await outboxEvents(database.pool)).toHaveLength(1);
    hangs = false;
    await drained();
    expect(arrivedSeqs(publisher.messages, product)).toEqual([1]);
  });
});

describe('the connection is lost', () => {
  test('while idle: the next commit is sent all the same', async () => {
    const product = await insertProduct(database.pool);
    const publisher = recordingPublisher();
    const relay = startRelay(publisher);
    await eventually('an idle connection', async () => (await relayBackends()).rows[0]?.state === 'idle');
    await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'outbox-relay'`,
    );
    await insertReview(database.pool, product, 4);
    relay.wake();
    await drained();
    expect(arrivedSeqs(publisher.messages, product)).toEqual([1]);
  });

  test('between the acknowledgement and the deletion: the batch is sent twice, and nothing is lost', async () => {
    const product = await insertProduct(database.pool);
    for (let i = 0; i < 3; i += 1) await insertReview(database.pool, product, 4);
    let first = true;
    const publisher = recordingPublisher(async () => {
      if (!first) return;
      first = false;
      await database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'outbox-relay'`,
      );
    });
    startRelay(publisher);
    await drained();
    expect(arrivedSeqs(publisher.messages, product)).toEqual([1, 2, 3, 1, 2, 3]);
  });
});

describe('stop', () => {
  test('lets the batch under way finish, leaves the rest, closes the connection and the publisher', async () => {
    const product = await insertProduct(database.pool);
    for (let i = 0; i < 4; i += 1) await insertReview(database.pool, product, 4);
    let acknowledge: (() => void) | undefined;
    const publisher = recordingPublisher(() => new Promise<void>((resolve) => (acknowledge = resolve)));
    const relay = startRelay(publisher, { batchSize: 2 });
    await eventually('the first send', () => acknowledge);
    let stopped = false;
    const stopping = relay.stop().then(() => (stopped = true));
    await insertReview(database.pool, product, 4);
    expect(stopped).toBe(false);
    acknowledge!();
    await stopping;
    expect((await outboxEvents(database.pool)).map(({ seq }) => seq)).toEqual([3, 4, 5]);
    expect(publisher.stops()).toBe(1);
    await eventually('no connection', async () => (await relayBackends()).rowCount === 0);
  });

  test('ends at once while it backs off or sleeps', async () => {
    const product = await insertProduct(database.pool);
    await insertReview(database.pool, product, 4);
    const failing = recordingPublisher(async () => {
      throw new Error('no broker');
    });
    const relay = startRelay(failing);
    await eventually('six tries', () => failing.attempts() >= 6);
    const began = performance.now();
    await relay.stop();
    // The seventh comes after 1.6 to 3.2 s.
    expect(performance.now() - began).toBeLessThan(1_500);
  });
});
