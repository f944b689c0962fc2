import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import { settledWithin } from '@exact-ratings/shared/runtime/deadline.js';
import pg from 'pg';

/** Time limit of a statement, at the server and (a little longer) here. */
export const STATEMENT_MS = 8_000;

/**
 * Time limit for closing the connection. After it the socket is abandoned; PostgreSQL rolls the transaction back when it
 * notices.
 */
const CLOSE_MS = 1_000;

/** The relay's own connection to PostgreSQL, opened when it is needed and opened anew after any failure. */
export class OutboxConnection {
  private client: pg.Client | null = null;
  private begin = '';

  /** @param idleTransactionMs PostgreSQL ends the transaction of a process that is silent for so long */
  constructor(
    private readonly database: DatabaseConfig,
    private readonly idleTransactionMs: number,
  ) {}

  /**
   * Runs the work on the connection. It has to begin its transaction with the text `begin`, which further statements may follow
   * in the same message, and to end it. Where it fails, the connection is closed, and PostgreSQL rolls back.
   */
  async run<T>(work: (client: pg.ClientBase, begin: string) => Promise<T>): Promise<T> {
    try {
      return await work(await this.connected(), this.begin);
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
      query_timeout: STATEMENT_MS + 2_000,
    });
    candidate.on('error', () => {
      if (this.client === candidate) this.client = null;
      void close(candidate);
    });
    try {
      await candidate.connect();
      this.begin = await this.beginStatement(candidate);
    } catch (error) {
      await close(candidate);
      throw error;
    }
    this.client = candidate;
    return candidate;
  }

  /**
   * The limits are set for each transaction and not for the session, which a pooler (PgBouncer in transaction mode) does not
   * keep; isolation and access mode are named, since the database's defaults may be others. A limit of the role for a whole
   * transaction is lifted (PostgreSQL 17 has it): a batch that is published may take longer.
   *
   * `tcp_user_timeout` ends a transaction whose answer nobody takes: where this process's host is gone, or stands still,
   * PostgreSQL waits for the socket as long as TCP does, and no other time-out ends that. Only Linux has it; elsewhere
   * PostgreSQL would log at each turn that it has not.
   */
  private async beginStatement(client: pg.Client): Promise<string> {
    const { rows } = await client.query<{ linux: boolean }>(`SELECT version() LIKE '%linux%' AS linux`);
    return [
      'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
      `SET LOCAL statement_timeout = ${STATEMENT_MS}`,
      `SET LOCAL idle_in_transaction_session_timeout = ${this.idleTransactionMs}`,
      "SELECT set_config('transaction_timeout', '0', true) WHERE current_setting('transaction_timeout', true) IS NOT NULL",
      ...(rows[0]!.linux ? [`SET LOCAL tcp_user_timeout = ${this.idleTransactionMs}`] : []),
    ].join('; ');
  }
}

/** Never throws, nor waits for a silent server. */
async function close(client: pg.Client): Promise<void> {
  await settledWithin(client.end(), CLOSE_MS);
}
