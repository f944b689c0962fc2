import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { settledWithin } from '@exact-ratings/shared/runtime/deadline.js';
import pg from 'pg';

/**
 * Time limit for closing the connection. After it the socket is abandoned; PostgreSQL rolls the transaction back when it
 * notices.
 */
const CLOSE_MS = 1_000;

/** The relay's own connection to PostgreSQL, opened when it is needed and opened anew after any failure. */
export class OutboxConnection {
  private client: pg.Client | null = null;

  /** @param idleTransactionMs PostgreSQL ends the transaction of a process that is silent for so long */
  constructor(
    private readonly database: DatabaseConfig,
    private readonly idleTransactionMs: number,
  ) {}

  /** Runs the work in one transaction. Where it fails, the connection is closed, and PostgreSQL rolls back. */
  async transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    try {
      const client = await this.connected();
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const { client } = this;
    this.client = null;
    if (client !== null) await close(client);
  }

  private async connected(): Promise<pg.Client> {
    if (this.client !== null) return this.client;
    const candidate = new pg.Client({
      ...postgresOptions(this.database, 'outbox-relay'),
      connectionTimeoutMillis: 3_000,
      query_timeout: 10_000,
      idle_in_transaction_session_timeout: this.idleTransactionMs,
    });
    candidate.on('error', () => {
      if (this.client === candidate) this.client = null;
      void close(candidate);
    });
    try {
      await candidate.connect();
    } catch (error) {
      await close(candidate);
      throw error;
    }
    this.client = candidate;
    return candidate;
  }
}

/** Never throws, nor waits for a silent server. */
async function close(client: pg.Client): Promise<void> {
  await settledWithin(client.end(), CLOSE_MS);
}
