import type pg from 'pg';
import { PermanentError } from '../runtime/backoff.js';

/** PostgreSQL cannot be used as it is set up; the message says why and what to do. Waiting does not change it. */
class UnusableDatabaseError extends PermanentError {
  override readonly name = 'UnusableDatabaseError';
  /** PostgreSQL's `cannot_connect_now`: for a running service it is an outage like others. */
  readonly code = '57P03';
}

/** PostgreSQL takes no changes: a standby, or a default of the role. A fail-over or a person ends that while we wait. */
class ReadOnlyDatabaseError extends Error {
  override readonly name = 'ReadOnlyDatabaseError';
  /** PostgreSQL's `read_only_sql_transaction`. */
  readonly code = '25006';
}

const OLDEST_VERSION = 15;
const STATEMENT_NAME = 'prepare_session';
const DUPLICATE_PREPARED_STATEMENT = '42P05';

/**
 * Settings are changed where the client speaks to PostgreSQL itself. A pooler gives the client a process id of its own; what
 * is set there for the session would stay with a server connection that others use too.
 *
 * A pooler that tracks prepared statements (PgBouncer 1.21 or later) gives them names of its own at the server, so one that
 * is found under our name has not been tracked.
 */
const PREPARE_SESSION = `
  WITH changed AS MATERIALIZED (
    SELECT set_config(s.name, s.value, false) AS value
      FROM unnest($2::text[], $3::text[]) AS s (name, value)
     WHERE pg_backend_pid() = $1 AND current_setting(s.name, true) IS NOT NULL
       AND (s.name <> 'synchronous_commit' OR current_setting(s.name) = 'off')
  )
  SELECT c.settings > 0 AS direct,
         EXISTS (SELECT FROM pg_prepared_statements WHERE name = '${STATEMENT_NAME}') AS "statementIsKept",
         current_setting('server_version_num')::integer / 10000 AS version,
         current_setting('server_encoding') AS encoding,
         pg_is_in_recovery() AS standby,
         quote_ident(session_user) AS role,
         quote_ident(current_database()) AS database,
         current_setting('default_transaction_read_only') AS "readOnly",
         current_setting('default_transaction_isolation') AS isolation,
         current_setting('DateStyle') AS "dateStyle",
         current_setting('array_nulls') AS "arrayNulls",
         current_setting('synchronous_commit') AS "synchronousCommit",
         current_setting('session_replication_role') AS "replicationRole",
         (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS clock
    FROM (SELECT count(value) AS settings FROM changed) AS c`;

interface SessionRow {
  readonly direct: boolean;
  readonly statementIsKept: boolean;
  readonly version: number;
  readonly encoding: string;
  readonly standby: boolean;
  readonly role: string;
  readonly database: string;
  readonly readOnly: string;
  readonly isolation: string;
  readonly dateStyle: string;
  readonly arrayNulls: string;
  readonly synchronousCommit: string;
  readonly replicationRole: string;
  /** In ms since the epoch. */
  readonly clock: number;
}

/**
 * For a pool's `onConnect`: makes a new connection independent of the defaults of its role and database, and refuses one on
 * which ratings would not stay exact; one round trip. Through a pooler in transaction mode no setting is changed, and
 * prepared statements are used only where the pooler tracks them.
 * @param statementTimeoutMs limit of a statement at the server; 0 = none. Through a pooler that of the role holds.
 * @param onReady called with what the server's clock shows, in ms since the epoch, once the connection may be used
 * @returns a function that the pool awaits; it rejects with UnusableDatabaseError, ReadOnlyDatabaseError, or pg's error
 */
export function prepareSession(
  statementTimeoutMs: number,
  onReady?: (client: pg.ClientBase, clockMs: number) => void,
): (client: pg.ClientBase) => void {
  const settings: ReadonlyArray<readonly [string, string]> = [
    ['statement_timeout', String(statementTimeoutMs)],
    ['transaction_timeout', '0'],
    ['idle_in_transaction_session_timeout', '0'],
    ['default_transaction_isolation', 'read committed'],
    ['DateStyle', 'ISO'],
    ['array_nulls', 'on'],
    // Only where it is off: how many standbys it waits for is the operator's decision.
    ['synchronous_commit', 'on'],
  ];
  const prepare = async (client: pg.ClientBase): Promise<void> => {
    const { processID } = client as unknown as { readonly processID: number };
    try {
      const { rows } = await client.query<SessionRow>({
        name: STATEMENT_NAME,
        text: PREPARE_SESSION,
        values: [processID, settings.map(([name]) => name), settings.map(([, value]) => value)],
      });
      const session = rows[0]!;
      if (!session.direct && session.statementIsKept) useUnnamedStatements(client);
      refuseUnusable(session);
      onReady?.(client, session.clock);
    } catch (error) {
      if ((error as { code?: string }).code !== DUPLICATE_PREPARED_STATEMENT) throw error;
      // Another client's statement on a server connection that a pooler shares: it tracks none.
      useUnnamedStatements(client);
      const { rows } = await client.query<SessionRow>(PREPARE_SESSION, [processID, [], []]);
      const session = rows[0]!;
      refuseUnusable(session);
      onReady?.(client, session.clock);
    }
  };
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- pg's types lack the promise that its pool awaits
  return prepare;
}

function useUnnamedStatements(client: pg.ClientBase): void {
  const query = client.query.bind(client) as (config: unknown, ...rest: unknown[]) => unknown;
  const unnamed = (config: unknown, ...rest: unknown[]): unknown =>
    query(isNamed(config) ? { ...config, name: undefined } : config, ...rest);
  Object.assign(client, { query: unnamed });
}

function isNamed(config: unknown): config is { readonly name: string } {
  return typeof config === 'object' && config !== null && 'name' in config;
}

function refuseUnusable(session: SessionRow): void {
  const { version, encoding, standby, role, database } = session;
  if (version < OLDEST_VERSION) {
    throw new UnusableDatabaseError(`PostgreSQL ${version} is too old: ${OLDEST_VERSION} or later is needed`);
  }
  if (encoding !== 'UTF8') {
    throw new UnusableDatabaseError(
      `the database ${database} has the encoding ${encoding}, which cannot hold every text: make another one, ` +
        "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and restore a dump into it",
    );
  }
  const settings: ReadonlyArray<readonly [name: string, is: string, good: boolean, value: string, because: string]> = [
    [
      'session_replication_role',
      session.replicationRole,
      session.replicationRole !== 'replica',
      'origin',
      'no trigger runs, so changes of reviews would not be captured',
    ],
    [
      'default_transaction_isolation',
      session.isolation,
      session.isolation === 'read committed',
      "'read committed'",
      'writes that meet would fail',
    ],
    ['DateStyle', session.dateStyle, session.dateStyle.startsWith('ISO'), "'ISO'", 'dates could not be read'],
    [
      'array_nulls',
      session.arrayNulls,
      session.arrayNulls === 'on',
      'on',
      'a review without a title would get the title NULL',
    ],
    [
      'synchronous_commit',
      session.synchronousCommit,
      session.synchronousCommit !== 'off',
      'on',
      'a crash would lose what was acknowledged',
    ],
  ];
  const advice = (name: string, value: string): string =>
    `ALTER ROLE ${role} IN DATABASE ${database} SET ${name} = ${value}, and connect anew (PgBouncer: RECONNECT)`;
  for (const [name, is, good, value, because] of settings) {
    if (!good) throw new UnusableDatabaseError(`${name} is ${is}: ${because}. ${advice(name, value)}`);
  }
  if (standby) {
    throw new ReadOnlyDatabaseError(
      'this PostgreSQL is a standby, which takes no changes and may be behind: DATABASE_HOST must lead to the primary',
    );
  }
  if (session.readOnly !== 'off') {
    throw new ReadOnlyDatabaseError(
      `default_transaction_read_only is on for the role ${role}: no change can be written. ` +
        advice('default_transaction_read_only', 'off'),
    );
  }
}
