import { postgresOptions } from '@exact-ratings/shared/clients/postgres-options.js';
import { prepareSession } from '@exact-ratings/shared/clients/postgres-session.js';
import type { DatabaseConfig } from '@exact-ratings/shared/config/server-config.js';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import type { Lifetime } from './lifetime.js';
import type { PipelinedReads } from './pipelined-reads.js';
import { clockOfLateStatement, noteClock, readClock } from './postgres-clock.js';
import { leavesConnectionUsable } from './postgres-errors.js';

/** A statement; under a name of its own it is prepared once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** Time from the look whether a change is still wanted until PostgreSQL must have begun it. */
const CHANGE_VALID_MS = 2_000;

/** How often a change that came too late is sent again, where it is still wanted. */
const MAX_LATE_ATTEMPTS = 5;

export interface PgQuery {
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
}

/** Of so many connections one is for writes; at least one is for either. */
const CONNECTIONS_PER_WRITER = 2.5;

export interface PoolSizes {
  readonly reads: number;
  /** Connections for short reads, which are shared. */
  readonly pipelined: number;
  readonly writes: number;
}

/**
 * Splits a process's connections between reads and writes.
 * @param pipelined how many of them are shared by short reads, where one remains for other reads
 */
export function poolSizes(connections: number, pipelined: number): PoolSizes {
  const writes = Math.max(1, Math.floor(connections / CONNECTIONS_PER_WRITER));
  const forReads = Math.max(1, connections - writes);
  const shared = Math.min(pipelined, forReads - 1);
  return { reads: forReads - shared, pipelined: shared, writes };
}

export interface PoolOptions {
  readonly size: number;
  /** Whether a connection takes further statements before it has answered those it has. */
  readonly pipeline?: boolean;
  readonly statementTimeoutMs: number;
  /** Called when an idle connection fails; the pool replaces it. */
  readonly onPoolError: (error: unknown) => void;
}

export function createPool(config: DatabaseConfig, options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    pipeline: options.pipeline ?? false,
    ...postgresOptions(config, 'graph-api'),
    max: options.size,
    connectionTimeoutMillis: 3_000,
    onConnect: prepareSession(options.statementTimeoutMs, noteClock),
    query_timeout: options.statementTimeoutMs + 2_000,
  });
  pool.on('error', options.onPoolError);
  return pool;
}

/**
 * Our own SQL: short reads on pipelined connections, other reads on TypeORM's pool, writes on one of their own. Writes wait for
 * locks, and may not take the connections of those who only read. Without entity hydration a page is read 1.4 times as fast, timestamps keep their
 * microseconds, and statements are prepared.
 */
export class Database {
  constructor(
    readonly dataSource: DataSource,
    readonly writes: pg.Pool,
    readonly shortReads: PipelinedReads,
  ) {}

  /** One short read, one round trip: of few rows, by an index. Rejects with pg's DatabaseError. */
  async rows<Row>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.shortRead({ ...statement, values });
    return rows as Row[];
  }

  /** Where the shared connections are held up, the pool answers. */
  protected shortRead(query: PgQuery): Promise<{ rows: unknown[] }> {
    return this.shortReads.query(query) ?? this.query(query);
  }

  /** One read of any length, one round trip. */
  query(query: PgQuery): Promise<{ rows: unknown[] }> {
    return onConnection((this.dataSource.driver as unknown as { master: pg.Pool }).master, (client) =>
      client.query(query),
    );
  }

  /** One write that no request asked for, one round trip, as a transaction of its own. */
  write(query: PgQuery): Promise<{ rows: unknown[] }> {
    return onConnection(this.writes, (client) => client.query(query));
  }

  /**
   * One write that a request asked for, one round trip, as a transaction of its own; nothing once it has ended: see `changeForAll`.
   * @param queryUntil makes the statement, which must call `require_in_time` with the time that it is given
   */
  change(lifetime: Lifetime, queryUntil: (validUntilMs: number) => PgQuery): Promise<{ rows: unknown[] }> {
    return this.changeForAll((validUntilMs) => {
      lifetime.throwIfEnded();
      return queryUntil(validUntilMs);
    });
  }

  /**
   * One write that requests asked for, one round trip, as a transaction of its own; nothing once they have ended, also
   * where this process or the network stood still on the way ([ADR 34](../../../docs/adr/0034-late-changes.md)). Rejects with pg's errors.
   * @param prepare looks whether the change is still wanted, as the last thing before it is sent, and throws or answers null where it is
   *   not. The statement must call `require_in_time` with the time that it is given: by the clock of PostgreSQL, in ms since the epoch
   * @returns no rows where nothing was sent
   */
  changeForAll(prepare: (validUntilMs: number) => PgQuery | null): Promise<{ rows: unknown[] }> {
    return onConnection(this.writes, async (client) => {
      for (let attempt = 1; ; attempt += 1) {
        const validUntilMs = (await readClock(client)) + CHANGE_VALID_MS;
        await allSocketsRead();
        const query = prepare(validUntilMs);
        if (query === null) return { rows: [] };
        try {
          return await client.query(query);
        } catch (error) {
          const clockMs = clockOfLateStatement(error);
          if (clockMs === null || attempt === MAX_LATE_ATTEMPTS) throw error;
          noteClock(client, clockMs);
        }
      }
    });
  }
}

/**
 * Resolves once all that had arrived is read: a process that was frozen finds requests, answers and the ends of its clients'
 * connections at once, and reads the end of a connection one turn after what came before it.
 */
async function allSocketsRead(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A connection is given up where it may be unusable, not where PostgreSQL refused a statement (such as for a unique key). */
async function onConnection(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<{ rows: unknown[] }>,
): Promise<{ rows: unknown[] }> {
  const client = await pool.connect();
  let broken = false;
  // A connection that breaks says so here as well; without a listener that would end the process.
  const onError = (): void => void (broken = true);
  client.on('error', onError);
  try {
    return await work(client);
  } catch (error) {
    broken ||= !leavesConnectionUsable(error);
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}
