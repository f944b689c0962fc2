import pg from 'pg';

/** What PostgreSQL's clock showed a connection, in ms since the epoch, and when that came, by the clock of this process. */
interface Reading {
  readonly clockMs: number;
  readonly at: number;
}

/** Clocks drift apart by less than 10 ms within this time; one that was put back is noticed after it. */
const READING_HOLDS_MS = 60_000;

const readings = new WeakMap<pg.ClientBase, Reading>();

/** Remembers what PostgreSQL's clock has just shown a connection, in ms since the epoch. */
export function noteClock(client: pg.ClientBase, clockMs: number): Reading {
  const reading = { clockMs, at: performance.now() };
  readings.set(client, reading);
  return reading;
}

/**
 * The time by the clock of the connection's PostgreSQL, in ms since the epoch: what it showed last, and what this process has
 * counted since. Never ahead of it unless it was put back, and behind it by the way of an answer. The date of this machine plays no
 * part. One round trip, once a minute and connection; else none.
 */
export async function readClock(client: pg.ClientBase): Promise<number> {
  let reading = readings.get(client);
  if (reading === undefined || performance.now() - reading.at > READING_HOLDS_MS) {
    const { rows } = await client.query<{ clock: number }>({
      name: 'read_clock',
      text: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS clock',
    });
    reading = noteClock(client, rows[0]!.clock);
  }
  return reading.clockMs + performance.now() - reading.at;
}

/** What `require_in_time` refuses statements with. */
const LATE = 'TL001';

/** What PostgreSQL's clock showed when it refused a statement as late, in ms since the epoch; null for any other error. */
export function clockOfLateStatement(error: unknown): number | null {
  return error instanceof pg.DatabaseError && error.code === LATE ? Number(error.detail) : null;
}
