import { join } from 'node:path';
import { kafkaServer } from './kafka.js';
import { kafkaClassArchive } from './kafka-class-archive.js';
import { provideKafka, type Java } from './programs/kafka.js';
import { ManagedServer, type ServerDefinition } from './managed-server.js';
import { findFreePort, isPortFree } from './ports.js';
import { providePostgres } from './programs/postgres.js';
import { postgresServer, POSTGRES_USER } from './postgres.js';
import { type Progress } from '../progress.js';
import { provideRedis } from './programs/redis.js';
import { redisServer } from './redis.js';
import { tryCommand } from '../processes/run-command.js';
import { shellQuote } from '../commands/shell-quote.js';
import { type StackPaths } from '../stack-paths.js';
import { findUnprivilegedUser } from './unprivileged-user.js';

export type ServiceName = 'postgres' | 'redis' | 'kafka';

export interface ServerSettings {
  database: string;
  durable: boolean;
  postgresSettings: Record<string, string>;
  redisSettings: Record<string, string>;
  kafkaSettings: Record<string, string>;
}

/** Commands with which a person can look into the servers, as they work on this machine. */
export interface StackCommands {
  psql?: string;
  redisCli?: string;
}

/** A server that is ready to be started, and what others need to know of it. */
export interface PlannedServer {
  server: ManagedServer;
  logFile: string;
  ports: number[];
  env: Record<string, string>;
  commands: StackCommands;
}

/** Plans a server once more on another port, when another program was faster to take the first. */
export type Plan = () => Promise<PlannedServer>;

/** Provides the server's programs and says how to plan it. */
export async function prepareServer(
  service: ServiceName,
  settings: ServerSettings,
  paths: StackPaths,
  java: Java | undefined,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<Plan> {
  switch (service) {
    case 'postgres':
      return await preparePostgres(settings, paths, onProgress);
    case 'redis':
      return await prepareRedis(settings, paths, onProgress, signal);
    case 'kafka':
      if (java === undefined) throw new Error('Kafka needs Java');
      return await prepareKafka(settings, paths, java, onProgress, signal);
  }
}

/** Whether the start failed because another program listens on one of its ports. */
export async function lostItsPort({ ports }: PlannedServer): Promise<boolean> {
  const free = await Promise.all(ports.map(isPortFree));
  return free.includes(false);
}

async function preparePostgres(settings: ServerSettings, paths: StackPaths, onProgress: Progress): Promise<Plan> {
  const { database, durable, postgresSettings } = settings;
  const user = await findUnprivilegedUser();
  const programs = await providePostgres(paths.programs, user, onProgress);
  return async () => {
    const port = await findFreePort();
    const definition = await postgresServer({
      paths,
      programs,
      user,
      port,
      database,
      durable,
      settings: postgresSettings,
      onProgress,
    });
    const url = `postgresql://${POSTGRES_USER}:${definition.password}@127.0.0.1:${port}/${database}`;
    const psql = await firstThatRuns(['psql', join(programs.bin, 'psql')]);
    return {
      ...planned(definition, onProgress),
      ports: [port],
      env: {
        DATABASE_HOST: '127.0.0.1',
        DATABASE_PORT: String(port),
        DATABASE_USER: POSTGRES_USER,
        DATABASE_PASSWORD: definition.password,
        DATABASE_DB: database,
      },
      commands: psql === undefined ? {} : { psql: `${shellQuote(psql)} ${shellQuote(url)}` },
    };
  };
}

async function prepareRedis(
  settings: ServerSettings,
  paths: StackPaths,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<Plan> {
  const programs = await provideRedis(paths.programs, onProgress, signal);
  return async () => {
    const port = await findFreePort();
    const definition = redisServer({ paths, programs, port, settings: settings.redisSettings });
    return {
      ...planned(definition, onProgress),
      ports: [port],
      env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port) },
      commands: programs.cli === undefined ? {} : { redisCli: `${shellQuote(programs.cli)} -p ${port}` },
    };
  };
}

async function prepareKafka(
  settings: ServerSettings,
  paths: StackPaths,
  java: Java,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<Plan> {
  const programs = await provideKafka(paths.programs, java, onProgress, signal);
  const classArchive = await kafkaClassArchive(programs, paths, onProgress, signal);
  return async () => {
    const [port, controllerPort] = [await findFreePort(), await findFreePort()];
    const definition = kafkaServer({
      paths,
      programs,
      port,
      controllerPort,
      settings: settings.kafkaSettings,
      ...classArchive,
    });
    return {
      ...planned(definition, onProgress),
      ports: [port, controllerPort],
      env: { KAFKA_BROKER: `127.0.0.1:${port}`, KAFKA_PORT: String(port) },
      commands: {},
    };
  };
}

function planned(definition: ServerDefinition, onProgress: Progress): Pick<PlannedServer, 'server' | 'logFile'> {
  return { server: new ManagedServer(definition, onProgress), logFile: definition.logFile };
}

async function firstThatRuns(programs: string[]): Promise<string | undefined> {
  for (const program of programs) if ((await tryCommand(program, ['--version'])).ok) return program;
  return undefined;
}
