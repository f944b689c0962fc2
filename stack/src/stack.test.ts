import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { readEnvFile } from './env-file.js';
import { readPidFile } from './processes/pid-file.js';
import { descendantsOf, identityOf, waitUntilGone } from './processes/process-identity.js';
import { stackPaths } from './stack-paths.js';
import { startStack, type Stack } from './stack.js';
import { waitUntil } from './wait-until.js';

const NAME = `stack-test-${process.pid}`;
const BUILT_STACK = new URL('../dist/stack.js', import.meta.url);
process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';

/** A folder for stacks of its own, with the programs that all share. */
function stackFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stack-test-'));
  const { programs } = stackPaths(NAME);
  mkdirSync(programs, { recursive: true });
  symlinkSync(programs, join(folder, 'programs'));
  return folder;
}

async function sql(stack: Stack, text: string): Promise<unknown[]> {
  const {
    DATABASE_HOST: host,
    DATABASE_PORT,
    DATABASE_USER: user,
    DATABASE_PASSWORD: password,
    DATABASE_DB: database,
  } = stack.env;
  const client = new pg.Client({
    host,
    port: Number(DATABASE_PORT),
    user,
    password,
    database,
    connectionTimeoutMillis: 1_000,
    query_timeout: 5_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function redis<Result>(stack: Stack, use: (client: Redis) => Promise<Result>): Promise<Result> {
  const client = new Redis({
    host: '127.0.0.1',
    port: stack.redis.port,
    retryStrategy: null,
    commandTimeout: 1_000,
  });
  client.on('error', () => undefined);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

function kafka(stack: Stack): Kafka {
  const brokers = [stack.env['KAFKA_BROKER'] ?? ''];
  return new Kafka({ brokers, clientId: 'test', logLevel: logLevel.NOTHING, requestTimeout: 2_000 });
}

async function lastOffset(stack: Stack, topic: string): Promise<string | undefined> {
  const admin = kafka(stack).admin();
  await admin.connect();
  try {
    return (await admin.fetchTopicOffsets(topic))[0]?.high;
  } finally {
    await admin.disconnect();
  }
}

describe('a whole stack', () => {
  let stack: Stack;
  const lines: string[] = [];

  beforeAll(async () => {
    stack = await startStack({
      name: NAME,
      fresh: true,
      removeOnStop: true,
      durable: false,
      onProgress: (line) => lines.push(line),
    });
  }, 300_000);
  afterAll(() => stack?.stop());

  test('says what is ready where, and writes it to a file that only its owner can read', async () => {
    for (const { name, port } of [stack.postgres, stack.redis, stack.kafka]) {
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${name} +ready on 127\\.0\\.0\\.1:${port} \\(`)));
    }
    expect(lines).not.toContainEqual(expect.stringContaining('later starts will not be faster'));
    expect(Object.keys(stack.env).sort()).toEqual([
      'DATABASE_DB',
      'DATABASE_HOST',
      'DATABASE_PASSWORD',
      'DATABASE_PORT',
      'DATABASE_USER',
      'KAFKA_BROKER',
      'KAFKA_PORT',
      'REDIS_HOST',
      'REDIS_PORT',
    ]);
    expect(await readEnvFile(stack.envFile)).toEqual(stack.env);
    expect(statSync(stack.envFile).mode & 0o777).toBe(0o600);
  });

  test('a second start of that name says who runs it', async () => {
    await expect(startStack({ name: NAME })).rejects.toThrow(`already running, started by process ${process.pid}`);
    expect(await sql(stack, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('PostgreSQL is UTF-8, demands the password, and keeps what was committed when it is killed', async () => {
    expect(await sql(stack, "SELECT current_setting('server_encoding') AS encoding, upper('é') AS upper")).toEqual([
      { encoding: 'UTF8', upper: 'É' },
    ]);
    const intruder = { ...stack, env: { ...stack.env, DATABASE_PASSWORD: 'wrong' } };
    await expect(sql(intruder, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    await sql(stack, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const { pid, port } = stack.postgres;
    const processes = [pid ?? 0, ...descendantsOf(pid ?? 0)];
    expect(processes.length).toBeGreaterThan(3);
    await stack.postgres.kill();
    expect(stack.postgres.isRunning).toBe(false);
    expect(processes.map(identityOf).filter(Boolean)).toEqual([]);
    await stack.postgres.start();
    expect(stack.postgres.port).toBe(port);
    expect(stack.postgres.pid).not.toBe(pid);
    expect(await sql(stack, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  }, 30_000);

  test('PostgreSQL starts although its lock file names a living process that is none of its own', async () => {
    await stack.postgres.kill();
    writeFileSync(join(stack.postgres.dataDirectory, 'postmaster.pid'), `${process.pid}\n`);
    await stack.postgres.start();
    expect(await sql(stack, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  }, 30_000);

  test('Redis keeps what it acknowledged when it is killed, and can be started empty', async () => {
    await redis(stack, (client) => client.set('kept', '42'));
    await waitUntil(
      () => redis(stack, async (client) => (await client.info('persistence')).includes('aof_pending_bio_fsync:0')),
      { timeoutMs: 5_000 },
    );
    await stack.redis.kill();
    await stack.redis.start();
    expect(await redis(stack, (client) => client.get('kept'))).toBe('42');
    expect(await redis(stack, (client) => client.config('GET', 'maxmemory-policy'))).toEqual([
      'maxmemory-policy',
      'noeviction',
    ]);
    await expect(stack.redis.start({ empty: true })).rejects.toThrow(/is running: stop\(\) or kill\(\) it/);
    await stack.redis.stop();
    await stack.redis.start({ empty: true });
    expect(await redis(stack, (client) => client.dbsize())).toBe(0);
  }, 30_000);

  test('a paused server does not answer, and goes on where it was', async () => {
    await redis(stack, async (client) => {
      await client.set('before', '1');
      stack.redis.pause();
      await expect(client.get('before')).rejects.toThrow(/timed out/);
      stack.redis.resume();
      expect(await waitUntil(() => client.get('before').catch(() => undefined), { timeoutMs: 5_000 })).toBe('1');
    });
    stack.postgres.pause();
    await expect(sql(stack, 'SELECT 1')).rejects.toThrow();
    stack.postgres.resume();
    expect(await sql(stack, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  }, 30_000);

  test('Kafka keeps its messages when it is killed and when it is stopped, and makes no topics by itself', async () => {
    const admin = kafka(stack).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }], waitForLeaders: true });
    expect(await admin.listTopics()).toEqual(['kept']);
    await admin.disconnect();
    const send = async (topic: string): Promise<void> => {
      const producer = kafka(stack).producer({ allowAutoTopicCreation: true, retry: { retries: 0 } });
      await producer.connect();
      try {
        await producer.send({ topic, acks: -1, messages: [{ value: 'x' }] });
      } finally {
        await producer.disconnect();
      }
    };
    await expect(send('unknown')).rejects.toThrow();
    await send('kept');
    await stack.kafka.kill();
    await stack.kafka.start();
    expect(await lastOffset(stack, 'kept')).toBe('1');
    await send('kept');
    await stack.kafka.stop();
    await stack.kafka.start();
    expect(await lastOffset(stack, 'kept')).toBe('2');
  }, 60_000);

  test('stopping leaves no process, no variables and no folder, whatever state the servers are in', async () => {
    const main = [stack.postgres, stack.redis, stack.kafka].map(({ pid }) => pid ?? 0);
    const reaper = readPidFile(join(stack.pidDirectory, 'reaper.pid'))?.pid ?? 0;
    const processes = [...main, ...main.flatMap(descendantsOf), reaper];
    expect(processes.every((pid) => identityOf(pid) !== undefined)).toBe(true);
    stack.postgres.pause();
    await stack.redis.kill();
    await stack.stop();
    expect(processes.map(identityOf).filter(Boolean)).toEqual([]);
    expect(existsSync(stack.directory)).toBe(false);
    await stack.stop();
  }, 60_000);
});

describe('a launcher that is killed', () => {
  let folder: string;
  let launcher: ChildProcess | undefined;
  beforeEach(() => (folder = stackFolder()));
  afterEach(() => {
    launcher?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts a Redis of the name `orphan` from a process of its own, and returns its pid. */
  async function launch(options: { removeOnStop?: boolean } = {}): Promise<number> {
    if (!existsSync(BUILT_STACK)) throw new Error('stack/dist is missing: run `npm run build` first');
    const script = `
      import { startStack } from ${JSON.stringify(BUILT_STACK.href)};
      const options = ${JSON.stringify({ ...options, name: 'orphan', directory: folder, services: ['redis'] })};
      const stack = await startStack(options);
      console.log(stack.redis.pid);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    launcher = child;
    const [output] = (await once(child.stdout, 'data')) as [Buffer];
    return Number(output.toString());
  }

  test('its servers end by themselves soon after', async () => {
    const pid = await launch();
    expect(identityOf(pid)).toBeDefined();
    const pids = join(folder, 'orphan', 'pids');
    launcher?.kill('SIGKILL');
    expect(await waitUntilGone([pid], 15_000)).toBe(true);
    expect(await waitUntil(() => readdirSync(pids).length === 0, { timeoutMs: 5_000 })).toBe(true);
  }, 120_000);

  test('its folder goes as well, where stopping removes it', async () => {
    const pid = await launch({ removeOnStop: true });
    launcher?.kill('SIGKILL');
    expect(await waitUntil(() => !existsSync(join(folder, 'orphan')), { timeoutMs: 30_000 })).toBe(true);
    expect(identityOf(pid)).toBeUndefined();
  }, 120_000);

  test('the next start of that name ends what the reaper could not, and begins anew', async () => {
    const pid = await launch();
    const reaper = readPidFile(join(folder, 'orphan', 'pids', 'reaper.pid'))?.pid ?? 0;
    process.kill(reaper, 'SIGKILL');
    launcher?.kill('SIGKILL');
    await waitUntilGone([reaper, launcher?.pid ?? 0], 5_000);
    expect(identityOf(pid)).toBeDefined();
    const lines: string[] = [];
    const next = await startStack({
      name: 'orphan',
      directory: folder,
      services: ['redis'],
      onProgress: (line) => lines.push(line),
    });
    try {
      expect(lines).toContainEqual(expect.stringContaining(`had left it running (pid ${pid}): ended`));
      expect(identityOf(pid)).toBeUndefined();
      expect(next.redis.isRunning).toBe(true);
    } finally {
      await next.stop();
    }
  }, 120_000);
});

describe('a start that cannot succeed', () => {
  let folder: string;
  beforeEach(() => (folder = stackFolder()));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('shows the end of the log, stops the rest and leaves nothing', async () => {
    const start = startStack({
      name: 'broken',
      directory: folder,
      services: ['redis', 'postgres'],
      removeOnStop: true,
      postgresSettings: { max_connections: 'many' },
    });
    await expect(start).rejects.toThrow(
      /PostgreSQL .* ended \(exit code 1\) before it was ready[^]*postgres\.log:\n[^]*max_connections/,
    );
    expect(readdirSync(folder)).toEqual(['programs']);
  }, 60_000);

  test('is aborted by its signal', async () => {
    const stopping = new AbortController();
    const start = startStack({ name: 'aborted', directory: folder, services: ['redis'], signal: stopping.signal });
    stopping.abort(new Error('Ctrl-C'));
    await expect(start).rejects.toThrow('Ctrl-C');
    expect(existsSync(join(folder, 'aborted.lock'))).toBe(false);
  }, 60_000);
});
