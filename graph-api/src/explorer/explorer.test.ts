import { createLogger } from '@exact-ratings/shared/runtime/logger.js';
import type { FastifyInstance } from 'fastify';
import { parse, validate } from 'graphql';
import type { AddressInfo } from 'node:net';
import { readGraphApiConfig, type GraphApiConfig } from '../config.js';
import { buildGraphQLSchema } from '../server/build-schema.js';
import { createHttpServer } from '../server/http-server.js';
import { Readiness } from '../server/readiness.js';
import { EXAMPLES } from './examples.js';
import { addExplorer } from './explorer.js';

const LOGGER = createLogger('test', 'silent');
const ENVIRONMENT = { JWT_SECRET: 'a secret that is long enough for HS256' };

let server: FastifyInstance;
afterEach(() => server?.close());

async function serve(config: GraphApiConfig): Promise<string> {
  server = await createHttpServer({
    ...config,
    maxBodyBytes: config.limits.maxBodyBytes,
    readiness: new Readiness(() => Promise.resolve(true)),
    logger: LOGGER,
  });
  await addExplorer(server, { path: config.explorer.path, keepToken: !config.production });
  await server.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

test('is off unless asked for, with its introspection in production', () => {
  const production = {
    ...{ NODE_ENV: 'production', JWT_ISSUER: 'us', JWT_AUDIENCE: 'ratings', DATABASE_PASSWORD: 'of our own' },
    ...ENVIRONMENT,
  };
  expect(readGraphApiConfig(ENVIRONMENT).explorer.active).toBe(false);
  expect(readGraphApiConfig(production)).toMatchObject({
    introspection: false,
    explorer: { active: false },
    corsOrigins: [],
  });
  expect(readGraphApiConfig({ ...production, API_DOCS_ACTIVE: 'true' })).toMatchObject({
    introspection: true,
    explorer: { active: true, path: 'api' },
    corsOrigins: ['https://studio.apollographql.com'],
  });
});

test.each(['graphql', 'health', 'ready', 'a b', '../x', '<script>'])('refuses the path %s', (path) => {
  expect(() => readGraphApiConfig({ ...ENVIRONMENT, API_DOCS_PATH: path })).toThrow(/API_DOCS_PATH must be a path/);
});

test.each(['api', 'docs/api'])('at /%s loads everything from there, typed, guarded and cached', async (path) => {
  const origin = await serve(
    readGraphApiConfig({ ...ENVIRONMENT, API_DOCS_ACTIVE: 'true', API_DOCS_PATH: `/${path}/` }),
  );
  const page = await fetch(`${origin}/${path}/`);
  expect(page.url).toBe(`${origin}/${path}`);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = page.headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/https?:|\*/);

  const html = await page.text();
  const assets = [...html.matchAll(/(?:src|href)="([^":]+)"/g)].map(([, address]) => new URL(address!, page.url));
  expect(assets).toHaveLength(6);
  for (const asset of assets) {
    const response = await fetch(asset);
    expect([asset.href, response.status]).toEqual([asset.href, 200]);
    expect(asset.pathname.startsWith(`/${path}/`)).toBe(true);
    const type = asset.pathname.endsWith('.css') ? 'text/css' : 'text/javascript';
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const again = await fetch(asset, { headers: { 'if-none-match': response.headers.get('etag')! } });
    expect(again.status).toBe(304);
  }
  const settings = JSON.parse(/<script type="application\/json" id="settings">(.*)<\/script>/.exec(html)![1]!);
  expect(new URL(settings.endpoint, page.url).pathname).toBe('/graphql');
});

test('lets Apollo Sandbox call, and no other origin', async () => {
  const origin = await serve(readGraphApiConfig({ ...ENVIRONMENT, API_DOCS_ACTIVE: 'true' }));
  const allowed = async (caller: string) => {
    const headers = {
      origin: caller,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    return (await fetch(`${origin}/graphql`, { method: 'OPTIONS', headers })).headers;
  };
  const sandbox = await allowed('https://studio.apollographql.com');
  expect(sandbox.get('access-control-allow-origin')).toBe('https://studio.apollographql.com');
  expect(sandbox.get('access-control-allow-headers')).toMatch(/authorization.*content-type/);
  expect((await allowed('https://evil.example')).get('access-control-allow-origin')).not.toBe('https://evil.example');
});

test('has examples that the schema takes', () => {
  const schema = buildGraphQLSchema();
  for (const { query } of EXAMPLES) expect(validate(schema, parse(query))).toEqual([]);
});
