import type { Progress } from '../progress.js';
import type { StackPaths } from '../stack-paths.js';
import type { ServerDefinition } from './managed-server.js';

export type ServiceName = 'postgres' | 'redis' | 'kafka';

export interface ServerSettings {
  /** Off: commits of PostgreSQL do not wait for the disk. Safe against a killed server, not against a lost machine. */
  readonly durable: boolean;
  /** How many brokers; with three, topics can have three replicas and leaders that move. */
  readonly kafkaBrokers: 1 | 3;
  /** Settings of the servers as in postgresql.conf, redis.conf and server.properties, over those of the stack. */
  readonly postgresSettings: Readonly<Record<string, string>>;
  readonly redisSettings: Readonly<Record<string, string>>;
  readonly kafkaSettings: Readonly<Record<string, string>>;
}

/** What every kind of server is made from. */
export interface ServerContext {
  readonly paths: StackPaths;
  readonly settings: ServerSettings;
  readonly onProgress: Progress;
  /** Aborted where the stack is no longer wanted: ends downloads. */
  readonly signal: AbortSignal;
}

/** The servers of one kind, on ports that were free a moment ago, and the variables that lead to them. */
export interface ServerPlan {
  readonly definitions: readonly ServerDefinition[];
  readonly env: Readonly<Record<string, string>>;
}

/** Plans servers whose programs are in place; called once more where another program was faster to take a port. */
export type Planner = () => Promise<ServerPlan>;
