import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './env-example.js';

interface Service {
  readonly image?: string;
  readonly build?: { readonly dockerfile: string; readonly target: string };
  readonly command?: string[];
  readonly environment?: Record<string, string | number>;
  readonly env_file?: string;
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly restart?: string;
  readonly deploy?: { readonly replicas: number };
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

test('pins what it pulls, to a version', () => {
  for (const name of ['postgres', 'redis', 'kafka']) expect(service(name).image).toMatch(/:\d+(\.\d+)*$/);
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
  const command = service('redis').command!;
  expect(command[command.indexOf('--maxmemory-policy') + 1]).toBe('noeviction');
  expect(command[command.indexOf('--appendonly') + 1]).toBe('yes');
});

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
    const stage = dockerfile.split(/^FROM /m).find((part) => part.split('\n')[0]!.endsWith(` AS ${name}`))!;
    expect(stage).toMatch(/^HEALTHCHECK /m);
    expect(stage).toMatch(/^USER node$/m);
    expect(service(name).env_file).toBe('.env');
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
(compose === undefined ? it.skip : it)(
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
