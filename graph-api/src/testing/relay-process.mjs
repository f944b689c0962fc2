/**
 * A relay in a process of its own, to be killed or frozen. Its Kafka is the table `arrived` of its database. With
 * HANG=true it never gets the acknowledgement, so it stays between its send and its delete.
 */
import pg from 'pg';
import { pino } from 'pino';
import { createRelay } from '../../dist/outbox/relay.js';

const { DATABASE_HOST: host, DATABASE_USER: user, DATABASE_PASSWORD: password, DATABASE_DB: database } = process.env;
const config = { host, port: Number(process.env.DATABASE_PORT), user, password, database, ssl: false };
const arrived = new pg.Pool(config);
const publisher = {
  send: async (messages) => {
    await arrived.query('INSERT INTO arrived (key, value) SELECT * FROM unnest($1::uuid[], $2::json[])', [
      messages.map(({ key }) => key),
      messages.map(({ value }) => value),
    ]);
    if (process.env.HANG === 'true') await new Promise(() => undefined);
  },
  stop: async () => undefined,
};
createRelay(config, { batchSize: 100, pollIntervalMs: 20 }, publisher, pino({ level: 'debug' }), {
  publishMs: 60_000,
  retryOversizedMs: 60_000,
  idleTransactionMs: Number(process.env.IDLE_TRANSACTION_MS ?? 15_000),
}).start();
