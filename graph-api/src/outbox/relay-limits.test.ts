import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import { KafkaJSProtocolError } from 'kafkajs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { arrivedSeqs, recordingPublisher, type RecordingPublisher } from '../testing/recording-publisher.js';
import { eventually } from '@exact-ratings/stack/testing/eventually.js';
import { insertProduct, insertReview, outboxEvents } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { createRelay, type Relay } from './relay.js';

const logger = createLogger('test', 'silent');
const TIMEOUTS = { publishMs: 6_000, idleTransactionMs: 2_000, retryOversizedMs: 60_000 };

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

function startRelay(publisher: RecordingPublisher, options: { port?: number; retryOversizedMs?: number } = {}): Relay {
  const { port = database.config.port, ...timeouts } = options;
  const config = { batchSize: 500, pollIntervalMs: 50 };
  const relay = createRelay({ ...database.config, port }, config, publisher, logger, { ...TIMEOUTS, ...timeouts });
  relays.push(relay);
  relay.start();
  return relay;
}

const drained = () => eventually('the outbox is empty', async () => (await outboxEvents(database.pool)).length === 0);
const oneToN = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

async function insertReviews(product: string, count: number): Promise<void> {
  await database.pool.query('INSERT INTO reviews (product_id, rating) SELECT $1, 4 FROM generate_series(1, $2)', [
    product,
    count,
  ]);
}

describe('what Kafka refuses for its size', () => {
  /** A topic that takes so many bytes at once. */
  const limitedTo = (bytes: { max: number }) =>
    recordingPublisher(async (batch) => {
      const size = batch.reduce((sum, { value }) => sum + value.length, 0);
      const refusal = { message: 'too large', type: 'MESSAGE_TOO_LARGE', code: 10, retriable: false };
      if (size > bytes.max) throw new KafkaJSProtocolError(refusal as never);
    });

  test('a batch of events that fit one by one is made smaller until it fits, in order', async () => {
    const products = [await insertProduct(database.pool), await insertProduct(database.pool)];
    for (const product of products) await insertReviews(product, 200);
    const publisher = limitedTo({ max: 2_000 });
    startRelay(publisher);
    await drained();
    for (const product of products) expect(arrivedSeqs(publisher.messages, product)).toEqual(oneToN(200));
    expect(Math.max(...publisher.batches)).toBeLessThan(8);
  });

  test('an event that fits not even alone starves nobody, stays in the outbox, and is sent once it fits', async () => {
    const products = [await insertProduct(database.pool), await insertProduct(database.pool)];
    for (const product of products) await insertReviews(product, 100);
    await database.pool.query(
      `UPDATE outbox SET payload = jsonb_set(payload::jsonb, '{padding}', to_jsonb(repeat('x', 100000)))::json
        WHERE aggregateid = $1 AND seq = 50`,
      [products[0]],
    );
    const bytes = { max: 90_000 };
    const publisher = limitedTo(bytes);
    startRelay(publisher, { retryOversizedMs: 300 });
    await eventually('all others', async () => (await outboxEvents(database.pool)).length === 1);
    expect(arrivedSeqs(publisher.messages, products[0]!)).toEqual(oneToN(100).filter((seq) => seq !== 50));
    expect(arrivedSeqs(publisher.messages, products[1]!)).toEqual(oneToN(100));

    await insertReviews(products[1]!, 1);
    await eventually('the next event', () => arrivedSeqs(publisher.messages, products[1]!).includes(101));
    bytes.max = 200_000;
    await drained();
    expect(arrivedSeqs(publisher.messages, products[0]!).at(-1)).toBe(50);
  });
});

describe('a transaction elsewhere', () => {
  const ROWS = 200_000;

  /** Index entries that reads of the outbox walked, those of deleted rows included. */
  async function walkedEntries(): Promise<number> {
    await database.pool.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await database.pool.query(
      `SELECT idx_tup_read::integer AS walked FROM pg_stat_user_indexes WHERE indexrelname = 'outbox_pkey'`,
    );
    return (rows[0] as { walked: number }).walked;
  }

  test.each([
    ['that only reads', 'SELECT 1'],
    ['that has written', `INSERT INTO authors (issuer, subject, display_name) VALUES ('', 'long', 'Long')`],
  ])(
    '%s keeps the deleted rows, but the relay does not walk them again',
    async (_name, statement) => {
      const elsewhere = await database.pool.connect();
      await elsewhere.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await elsewhere.query(statement);
      const product = await insertProduct(database.pool);
      const publisher = recordingPublisher();
      const relay = startRelay(publisher);
      await database.pool.query(
        `INSERT INTO outbox (id, aggregateid, type, payload, seq)
       SELECT gen_random_uuid(), $1, 'review-updated', '{}', 0 FROM generate_series(1, $2)`,
        [product, ROWS],
      );
      await eventually('the events', () => publisher.messages.length >= ROWS, 60_000);
      await drained();

      let sent = publisher.messages.length;
      /** How many entries were walked for each event, of as many as two seconds see: sessions report theirs a second late. */
      const walkedPerEvent = async (): Promise<number> => {
        const [walkedBefore, sentBefore, began] = [await walkedEntries(), sent, performance.now()];
        while (performance.now() - began < 2_000) {
          await insertReview(database.pool, product, 4);
          relay.wake();
          sent += 1;
          await eventually('the event', () => publisher.messages.length === sent);
        }
        return ((await walkedEntries()) - walkedBefore) / (sent - sentBefore);
      };
      // The first window may still see what draining has walked. A read from the beginning would walk 200,000 entries.
      await walkedPerEvent();
      expect(await walkedPerEvent()).toBeLessThan(5_000);
      await elsewhere.query('ROLLBACK');
      elsewhere.release();
    },
    90_000,
  );
});

/** A proxy that vanishes, without closing anything, once the server has sent so many bytes through it. */
async function startVanishingProxy(port: number, afterBytes: number): Promise<{ port: number; close: () => void }> {
  const sockets: Socket[] = [];
  let passed = 0;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      client.write(chunk);
      passed += chunk.length;
      if (passed > afterBytes) for (const socket of sockets) socket.pause();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('a relay whose host vanishes while PostgreSQL writes to it loses the lock within seconds', async () => {
  const product = await insertProduct(database.pool);
  // More than the buffers of both sockets hold, so that PostgreSQL stands still in the middle of its answer.
  await database.pool.query(
    `INSERT INTO outbox (id, aggregateid, type, payload, seq)
     SELECT gen_random_uuid(), $1, 'review-updated', to_json(repeat('x', 100000)), 0 FROM generate_series(1, 400)`,
    [product],
  );
  const proxy = await startVanishingProxy(database.config.port, 500_000);
  try {
    startRelay(recordingPublisher(), { port: proxy.port });
    await eventually('PostgreSQL stands still', async () => (await lockHolders())[0] === 'ClientWrite');
    const publisher = recordingPublisher();
    startRelay(publisher);
    await eventually('another relay publishes', () => publisher.messages.length > 0);
    await drained();
    expect(publisher.messages).toHaveLength(400);
  } finally {
    proxy.close();
  }
}, 60_000);

/** What the processes that hold the relay lock wait for. */
async function lockHolders(): Promise<Array<string | null>> {
  const { rows } = await database.pool.query(
    `SELECT wait_event FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND a.datname = current_database() AND a.application_name = 'outbox-relay'`,
  );
  return (rows as Array<{ wait_event: string | null }>).map(({ wait_event }) => wait_event);
}
