import { insertProduct } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { query, type Answer } from '../../testing/graphql.js';
import { startTestApp, type TestApp } from '../../testing/test-app.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  await insertProduct(database.pool);
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const PAGE = 'query ($n: Int) { products(first: $n) { nodes { id } } }';
const ask = (text: string, variables = {}, cost = 'report'): Promise<Answer> =>
  query(app.origin, text, variables, { headers: { 'graphql-cost': cost } });
const extensionsOf = ({ text }: Answer): unknown => (JSON.parse(text) as { extensions?: unknown }).extensions;

test('the cost is reported to those who ask, with each request its own', async () => {
  for (let round = 0; round < 3; round += 1) {
    for (const n of [5, 10]) {
      const answer = await ask(PAGE, { n });
      expect(answer.data.products.nodes).toHaveLength(1);
      expect(extensionsOf(answer)).toEqual({ cost: { requested: 50 + 2 * n, limit: 50_000 } });
      expect(extensionsOf(await query(app.origin, PAGE, { n }))).toBeUndefined();
    }
  }
});

test('an error beside data, a refused operation, and one that is not valid', async () => {
  expect(extensionsOf(await ask('{ __typename product(id: "x") { id } }'))).toEqual({
    cost: { requested: 3, limit: 50_000 },
  });
  const refused = await ask('{ products(first: 100) { nodes { reviews(first: 100) { nodes { body } } } } }');
  expect(refused.errors[0]!.extensions['cost']).toEqual({ requested: 515_150, limit: 50_000 });
  expect(extensionsOf(refused)).toBeUndefined();
  expect(extensionsOf(await ask('{ nothing }'))).toBeUndefined();
});

test('another value of the header is refused, and nothing is executed', async () => {
  const { status, data, errors } = await ask(PAGE, {}, 'validate');
  expect([status, data, errors[0]!.extensions.code]).toEqual([400, null, 'BAD_REQUEST']);
  expect(errors[0]!.message).toContain('graphql-cost must be "report"');
});
