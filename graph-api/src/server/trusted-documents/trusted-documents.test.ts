import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiError, createRatingsClient } from '@exact-ratings/client';
import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { readGraphApiConfig } from '../../config.js';
import { dataOf, query, send, type Answer } from '../../testing/graphql.js';
import { startTestApp, type TestApp } from '../../testing/test-app.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SDK = join(ROOT, 'client/persisted-documents.json');

const PAGE = 'query Page($n: Int) { products(first: $n) { nodes { name } } }';
const PAGE_ID = createHash('sha256').update(PAGE).digest('hex');
const REMOVE = 'mutation Remove { deleteReview(input: { id: "x" }) { deletedReviewId } }';

let folder: string;
let database: TestDatabase;
let app: TestApp;
/** Executes everything, and knows the manifests' ids. */
let open: TestApp;

/** A manifest of its own. */
async function manifest(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

beforeAll(async () => {
  // Inside the repository, where a shop's code generator finds its packages.
  await mkdir(join(ROOT, '.stack'), { recursive: true });
  folder = await mkdtemp(join(ROOT, '.stack/manifests-'));
  database = await createTestDatabase();
  await insertProduct(database.pool);
  const shop = await manifest('shop.json', { [PAGE_ID]: PAGE, remove: REMOVE });
  const older = await manifest('older.json', {
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: 'older', name: 'Older', type: 'query', body: '{ products(first: 1) { nodes { id } } }' }],
  });
  const env = { ...database.env, TRUSTED_DOCUMENT_MANIFESTS: [SDK, shop, older].join(',') };
  app = await startTestApp({ ...env, TRUSTED_DOCUMENTS: 'only' });
  open = await startTestApp(env);
});
afterAll(async () => {
  await app?.stop();
  await open?.stop();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

const post = (body: unknown, origin = app.origin): Promise<Answer> =>
  send(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const get = (parameters: Record<string, unknown>, origin = app.origin): Promise<Answer> => {
  const texts = Object.entries(parameters).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const search = new URLSearchParams(Object.fromEntries(texts) as Record<string, string>).toString();
  return send(`${origin}/graphql?${search}`, { headers: { accept: 'application/json' } });
};

const persistedQuery = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });

function expectRefusal({ status, errors, text }: Answer, expected: number, code: string): void {
  expect([status, errors.map(({ extensions }) => extensions.code)]).toEqual([expected, [code]]);
  expect(JSON.parse(text)).not.toHaveProperty('data');
}

test.each<[string, Record<string, unknown>]>([
  ['its id', { documentId: PAGE_ID }],
  ['its id with the name of the hash', { documentId: `sha256:${PAGE_ID}` }],
  ["Apollo's extension", { extensions: persistedQuery(PAGE_ID) }],
  ['its id and its operation', { documentId: PAGE_ID, operationName: 'Page' }],
  ['its text', { query: PAGE }],
  ['its text and its hash', { query: PAGE, extensions: persistedQuery(PAGE_ID) }],
])('a listed document is asked for by %s, by POST and by GET, however often', async (_name, document) => {
  for (let round = 0; round < 3; round += 1) {
    for (const n of [0, 1]) {
      const parameters = { ...document, variables: { n } };
      expect(dataOf(await post(parameters)).products.nodes).toHaveLength(n);
      expect(dataOf(await get(parameters)).products.nodes).toHaveLength(n);
    }
  }
});

test.each<[string, string]>([
  ['another text', '{ __typename }'],
  ['a listed text with another space', PAGE.replace('{', '{ ')],
  ['a part of a listed text', '{ products(first: 1) { nodes { name } } }'],
  ['introspection', '{ __schema { types { name } } }'],
  ['what is no GraphQL', '{'],
  ['two texts', `${PAGE} query Other { __typename }`],
])('%s is refused', async (_name, text) => {
  for (let round = 0; round < 3; round += 1) {
    expectRefusal(await post({ query: text }), 403, 'DOCUMENT_NOT_TRUSTED');
    expectRefusal(await get({ query: text }), 403, 'DOCUMENT_NOT_TRUSTED');
  }
  // Also with the id of a listed one: the text counts.
  expectRefusal(await post({ query: text, documentId: PAGE_ID }), 403, 'DOCUMENT_NOT_TRUSTED');
  expectRefusal(await post({ query: text, extensions: persistedQuery(PAGE_ID) }), 403, 'DOCUMENT_NOT_TRUSTED');
});

test('an id that nobody lists, and what is none', async () => {
  for (const origin of [app.origin, open.origin]) {
    const unknown = await post({ documentId: 'a'.repeat(64) }, origin);
    expectRefusal(unknown, 400, 'PERSISTED_QUERY_NOT_FOUND');
    expect(unknown.errors[0]!.message).toContain('add it to one');
    const hash = await get({ extensions: persistedQuery('a'.repeat(64)) }, origin);
    expectRefusal(hash, 400, 'PERSISTED_QUERY_NOT_FOUND');
    // The words that Apollo's clients know.
    expect(hash.errors[0]!.message).toBe('PersistedQueryNotFound');
    for (const documentId of [5, null, ['a'], {}, true]) {
      expectRefusal(await post({ documentId }, origin), 400, 'BAD_REQUEST');
    }
    for (const documentId of ['', '__proto__', 'constructor', 'x'.repeat(100_000)]) {
      expectRefusal(await post({ documentId }, origin), 400, 'PERSISTED_QUERY_NOT_FOUND');
    }
  }
});

test('a listed mutation keeps to the rules of mutations', async () => {
  expectRefusal(await get({ documentId: 'remove' }), 405, 'BAD_REQUEST');
  expectRefusal(await post({ documentId: 'remove' }), 401, 'UNAUTHENTICATED');
});

test('the SDK works as it is, and so does an older client', async () => {
  const client = createRatingsClient({ url: `${app.origin}/graphql`, token: await newUserToken() });
  const { products } = await client.Products({ first: 1 });
  const productId = products.nodes[0]!.id;
  const { createReview } = await client.CreateReview({ input: { productId, rating: 4 } });
  expect(createReview.product).toMatchObject({ averageRating: 4, reviewCount: 1 });
  expect(dataOf(await post({ documentId: 'older' })).products.nodes).toEqual([{ id: productId }]);
});

test('the manifest of the SDK has all of its documents', async () => {
  const { length } = Object.keys(createRatingsClient({ url: app.origin })).filter((name) => /^[A-Z]/.test(name));
  const listed = JSON.parse(await readFile(SDK, 'utf8')) as Record<string, string>;
  expect(Object.keys(listed)).toHaveLength(length);
  for (const [id, text] of Object.entries(listed)) expect(createHash('sha256').update(text).digest('hex')).toBe(id);
});

test('without "only" everything is executed, and ids are understood', async () => {
  expect(dataOf(await query(open.origin, '{ __typename }'))).toEqual({ __typename: 'Query' });
  expect(dataOf(await post({ documentId: PAGE_ID, variables: { n: 1 } }, open.origin)).products.nodes).toHaveLength(1);
  // What Apollo's clients send once their hash was not found.
  const text = '{ __typename }';
  const hash = createHash('sha256').update(text).digest('hex');
  const again = await post({ query: text, extensions: persistedQuery(hash) }, open.origin);
  expect(dataOf(again)).toEqual({ __typename: 'Query' });
});

test("a shop's own manifest: the example of docs/api.md", async () => {
  const page = await readFile(join(ROOT, 'docs/api.md'), 'utf8');
  const config = /```ts\n(\/\/ codegen\.ts, with trusted documents\n[^]*?)```/.exec(page)![1]!;
  const shop = join(folder, 'shop');
  await mkdir(join(shop, 'src'), { recursive: true });
  await writeFile(join(shop, 'codegen.ts'), config);
  await writeFile(join(shop, 'schema.graphql'), await readFile(join(ROOT, 'graph-api/schema.graphql')));
  const operation = 'query ShopPage { products(first: 1) { nodes { ...Tile } } } fragment Tile on Product { version }';
  await writeFile(join(shop, 'src/page.tsx'), `graphql(\`${operation}\`);`);
  const codegen = join(ROOT, 'node_modules/.bin/graphql-codegen');
  await promisify(execFile)(codegen, ['--config', 'codegen.ts'], { cwd: shop });
  const path = join(shop, 'src/gql/persisted-documents.json');
  const [id] = Object.keys(JSON.parse(await readFile(path, 'utf8')) as object) as [string];
  expect(await readFile(join(shop, 'src/gql/graphql.ts'), 'utf8')).toContain(id);

  const strict = await startTestApp({
    ...database.env,
    TRUSTED_DOCUMENTS: 'only',
    TRUSTED_DOCUMENT_MANIFESTS: `${path}, ${SDK}`,
  });
  try {
    const { products } = dataOf(await post({ documentId: id }, strict.origin));
    expect(products.nodes).toEqual([{ version: 1 }]);
    const client = createRatingsClient({ url: `${strict.origin}/graphql` });
    await client.Products({ first: 1 });
    await expect(post({ query: operation }, strict.origin)).resolves.toMatchObject({ status: 403 });
  } finally {
    await strict.stop();
  }
}, 60_000);

test('the SDK names the refusal', async () => {
  const strict = await startTestApp({
    ...database.env,
    TRUSTED_DOCUMENTS: 'only',
    TRUSTED_DOCUMENT_MANIFESTS: await manifest('one.json', { one: '{ __typename }' }),
  });
  try {
    const client = createRatingsClient({ url: `${strict.origin}/graphql` });
    const error = await client.Products({ first: 1 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 'DOCUMENT_NOT_TRUSTED', status: 403, retryable: false });
  } finally {
    await strict.stop();
  }
});

describe('a manifest that cannot be used ends the start, by name', () => {
  const read = (env: Record<string, string>) => readGraphApiConfig({ JWT_SECRET: 'x'.repeat(40), ...env });

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'it is no JSON'],
    ['a list', [], 'it is no object of ids and texts'],
    ['nothing', {}, 'it has no document'],
    ['a document that is no text', { a: 5 }, 'its document "a" is no text'],
    ['a document without an id', { '': '{ a }' }, 'it has a document without an id'],
    ['a document that is no GraphQL', { a: '{' }, 'its document "a" is no GraphQL (Syntax Error'],
    ['another version', { format: 'apollo-persisted-query-manifest', version: 2, operations: [] }, 'is not version 1'],
    ['another format', { format: 'x' }, 'is not version 1 of'],
    ['no operations', { format: 'apollo-persisted-query-manifest', version: 1 }, 'is not version 1 of'],
    [
      'operations that are none',
      { format: 'apollo-persisted-query-manifest', version: 1, operations: [null] },
      'it has a document without an id',
    ],
    [
      'one id for two documents',
      {
        format: 'apollo-persisted-query-manifest',
        version: 1,
        operations: [
          { id: 'a', body: '{ a }' },
          { id: 'a', body: '{ b }' },
        ],
      },
      'it has two documents "a"',
    ],
  ])('%s', async (name, content, problem) => {
    const path = await manifest(`${name.replaceAll(' ', '-')}.json`, content);
    const start = () => read({ TRUSTED_DOCUMENTS: 'only', TRUSTED_DOCUMENT_MANIFESTS: path });
    expect(start).toThrow(`TRUSTED_DOCUMENT_MANIFESTS: "${path}" is not usable: `);
    expect(start).toThrow(problem);
  });

  test('one that is not there, none, two that contradict one another, and the explorer', async () => {
    const missing = join(folder, 'missing.json');
    expect(() => read({ TRUSTED_DOCUMENT_MANIFESTS: missing })).toThrow(/"[^"]*missing\.json" is not usable: ENOENT/);
    expect(() => read({ TRUSTED_DOCUMENTS: 'only' })).toThrow('needs TRUSTED_DOCUMENT_MANIFESTS');
    const [a, b] = [await manifest('a.json', { x: '{ a }' }), await manifest('b.json', { x: '{ b }' })];
    expect(() => read({ TRUSTED_DOCUMENT_MANIFESTS: `${a},${b}` })).toThrow(
      'another manifest has another document "x"',
    );
    expect(() => read({ TRUSTED_DOCUMENTS: 'only', TRUSTED_DOCUMENT_MANIFESTS: a, API_DOCS_ACTIVE: 'true' })).toThrow(
      'TRUSTED_DOCUMENTS=only and API_DOCS_ACTIVE exclude each other',
    );
  });
});
