import type { DataSource } from 'typeorm';

/** A statement under a name of its own: prepared once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface PgQuery {
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
}

interface PgPool {
  query(query: PgQuery): Promise<{ rows: unknown[] }>;
}

/**
 * Our own SQL on TypeORM's pool. The lists and loaders use it: without entity hydration a page is read 1.4 times as
 * fast, timestamps keep their microseconds, and statements are prepared.
 */
export class Database {
  constructor(readonly dataSource: DataSource) {}

  /** One round trip, as a transaction of its own. Rejects with pg's DatabaseError. */
  async rows<Row>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.query({ ...statement, values });
    return rows as Row[];
  }

  /** A connection whose statement failed is discarded, whatever state it is in. */
  query(query: PgQuery): Promise<{ rows: unknown[] }> {
    const pool = (this.dataSource.driver as unknown as { master: PgPool }).master;
    return pool.query(query);
  }
}
