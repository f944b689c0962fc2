import type { Socket } from 'node:net';
import type pg from 'pg';
import type { PgQuery } from './database.js';
import { leavesConnectionUsable } from './postgres-errors.js';

/** A connection that has answered nothing for so long while it owes answers gets no further statements until it does. */
const BLOCKED_AFTER_MS = 50;

/**
 * A connection on which statements are sent without waiting for the answers to those before them, as PostgreSQL's protocol
 * allows: no statement waits for a free connection, and one write or read of a socket carries several.
 */
class PipelinedConnection {
  private client: Promise<pg.PoolClient> | null = null;
  private inFlight = 0;
  private lastAnswerAt = 0;
  private isGathering = false;

  constructor(private readonly pool: pg.Pool) {}

  get load(): number {
    return this.inFlight;
  }

  isBlocked(): boolean {
    return this.inFlight > 0 && performance.now() - this.lastAnswerAt > BLOCKED_AFTER_MS;
  }

  async query(query: PgQuery): Promise<{ rows: unknown[] }> {
    if (this.inFlight === 0) this.lastAnswerAt = performance.now();
    this.inFlight += 1;
    const connecting = (this.client ??= this.connect());
    try {
      const client = await connecting;
      this.gather(client);
      return await client.query(query);
    } catch (error) {
      // Statements behind this one fail as well, each with the error of the connection.
      if (!leavesConnectionUsable(error)) await this.giveUp(connecting);
      throw error;
    } finally {
      this.inFlight -= 1;
      this.lastAnswerAt = performance.now();
    }
  }

  /** What one turn of the event loop asks for goes out as one write: each costs 30 µs, more than all else of a statement. */
  private gather(client: pg.PoolClient): void {
    if (this.isGathering) return;
    this.isGathering = true;
    const { stream } = (client as unknown as { readonly connection: { readonly stream: Socket } }).connection;
    stream.cork();
    setImmediate(() => {
      this.isGathering = false;
      stream.uncork();
    });
  }

  private connect(): Promise<pg.PoolClient> {
    const connecting = this.pool.connect();
    connecting.then(
      (client) => client.on('error', () => void this.giveUp(connecting)),
      () => void this.giveUp(connecting),
    );
    return connecting;
  }

  /** The next statement connects anew. */
  private async giveUp(connecting: Promise<pg.PoolClient>): Promise<void> {
    if (this.client !== connecting) return;
    this.client = null;
    const client = await connecting.catch(() => null);
    client?.release(true);
  }

  async close(): Promise<void> {
    if (this.client !== null) await this.giveUp(this.client);
  }
}

/**
 * Short reads on few pipelined connections. What may take long belongs on the pool: an answer waits for those before it.
 * Where a connection is held up all the same (by a lock, say), what comes after goes to the pool.
 */
export class PipelinedReads {
  private readonly connections: readonly PipelinedConnection[];

  /** @param pool has as many connections, which are kept, with pg's `pipeline` on; their number may be 0 */
  constructor(
    private readonly pool: pg.Pool,
    connections: number,
  ) {
    this.connections = Array.from({ length: connections }, () => new PipelinedConnection(pool));
  }

  /** One read, one round trip; null where none of the connections can take it now. Rejects with pg's errors. */
  query(query: PgQuery): Promise<{ rows: unknown[] }> | null {
    let best: PipelinedConnection | null = null;
    for (const connection of this.connections) {
      if (!connection.isBlocked() && (best === null || connection.load < best.load)) best = connection;
    }
    return best === null ? null : best.query(query);
  }

  async close(): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close()));
    await this.pool.end();
  }
}
