import { newId } from '../graphql/ids.js';
import { formatCursor } from '../pagination/cursor.js';
import { OrderDirection } from '../pagination/order.js';
import { PRODUCT_ORDERS } from '../products/product-order.js';
import { dataOf, query, send, type Answer } from '../testing/graphql.js';
import { insertProduct, insertReview } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';

let database: TestDatabase;
let app: TestApp;
let admin: string;
let product: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  admin = await adminToken();
  product = await insertProduct(database.pool);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

async function rowCounts(): Promise<unknown> {
  const { rows } = await database.pool.query(
    `SELECT (SELECT count(*) FROM products) AS products, (SELECT count(*) FROM reviews) AS reviews,
            (SELECT count(*) FROM authors) AS authors, (SELECT count(*) FROM outbox) AS events,
            (SELECT max(version) FROM products) AS version`,
  );
  return rows[0];
}

/** One error that a caller can read, and nothing of ours in it. */
function expectClearError(answer: Answer, code: string, argument?: string): void {
  expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual([code]);
  const { message, extensions } = answer.errors[0]!;
  if (argument !== undefined) expect(extensions.argument).toBe(argument);
  expect(message.length).toBeLessThanOrEqual(301);
  expect(
    Object.keys(extensions).filter((key) => !['code', 'argument', 'retryable', 'requestId'].includes(key)),
  ).toEqual([]);
  expect(answer.text).not.toMatch(
    /node_modules|\.js:|\bat .*\(|SELECT|INSERT|pg_|class-validator|apollo|constraint "/i,
  );
  expect(answer.text.length).toBeLessThan(2_000);
}

afterEach(() => {
  // Nothing that a caller sends is a fault of ours.
  expect(app.log.filter(({ level }) => level === 'error')).toEqual([]);
});

describe('ids', () => {
  test.each([
    '',
    'abc',
    '1',
    '01930000-0000-7000-8000-00000000000',
    'g1930000-0000-7000-8000-000000000000',
    "' OR 1=1 --",
  ])('%j is no id', async (id) => {
    expectClearError(
      await query(app.origin, 'query ($id: ID!) { product(id: $id) { id } }', { id }),
      'BAD_USER_INPUT',
      'id',
    );
    expectClearError(
      await query(app.origin, 'query ($id: ID!) { review(id: $id) { id } }', { id }),
      'BAD_USER_INPUT',
      'id',
    );
  });

  test.each([
    ['updateProduct(input: { id: $id })', 'input.id'],
    ['deleteProduct(input: { id: $id })', 'input.id'],
    ['createReview(input: { productId: $id, rating: 5 })', 'input.productId'],
    ['updateReview(input: { id: $id })', 'input.id'],
    ['deleteReview(input: { id: $id })', 'input.id'],
  ])('%s names the argument', async (mutation, argument) => {
    const operation = `mutation ($id: ID!) { ${mutation} { userErrors { code } } }`;
    expectClearError(await query(app.origin, operation, { id: 'nope' }, { token: admin }), 'BAD_USER_INPUT', argument);
  });

  test('an id of another type is unknown', async () => {
    const review = await insertReview(database.pool, product, 5);
    expect(dataOf(await query(app.origin, `{ product(id: "${review}") { id } }`)).product).toBeNull();
    expect(dataOf(await query(app.origin, `{ review(id: "${product}") { id } }`)).review).toBeNull();
  });

  test.each(['a\0b', '\ud800'])('externalId %j', async (x) => {
    const answer = await query(app.origin, 'query ($x: String!) { productByExternalId(externalId: $x) { id } }', { x });
    expectClearError(answer, 'BAD_USER_INPUT', 'externalId');
  });
});

describe('page arguments', () => {
  const at = '2026-01-01T00:00:00.000000Z';
  const scope = { kind: 'product', order: PRODUCT_ORDERS.CREATED_AT, direction: OrderDirection.DESC, filter: '' };
  const cursor = formatCursor(scope, { value: at, id: newId() });
  const forged = (text: string): string => Buffer.from(text).toString('base64url');
  test.each([
    [{ first: -1 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ first: 2_147_483_647 }, 'first'],
    [{ last: -1 }, 'last'],
    [{ last: 101 }, 'last'],
    [{ first: 1, last: 1 }, 'last'],
    [{ first: 0, last: 0 }, 'last'],
    [{ after: '' }, 'after'],
    [{ after: 'garbage' }, 'after'],
    [{ before: '💥' }, 'before'],
    [{ after: `${cursor}!!` }, 'after'],
    [{ after: `${cursor}AAAA` }, 'after'],
    [{ after: cursor.slice(0, -3) }, 'after'],
    [{ after: 'x'.repeat(10_000) }, 'after'],
    [{ after: formatCursor({ ...scope, kind: 'review' }, { value: at, id: newId() }) }, 'after'],
    [{ before: formatCursor(scope, { value: '2026-02-31T00:00:00.000000Z', id: newId() }) }, 'before'],
    [{ before: formatCursor(scope, { value: '2026-13-01T00:00:00.000000Z', id: newId() }) }, 'before'],
    [{ after: formatCursor(scope, { value: '0000-01-01T00:00:00.000000Z', id: newId() }) }, 'after'],
    [{ after: formatCursor(scope, { value: '2026-01-01T24:00:00.000000Z', id: newId() }) }, 'after'],
    [{ after: formatCursor(scope, { value: '2026-01-01T23:59:60.000000Z', id: newId() }) }, 'after'],
    [{ after: formatCursor(scope, { value: `${at} OR true`, id: newId() }) }, 'after'],
    [{ after: formatCursor(scope, { value: at, id: '------------------------------------' }) }, 'after'],
    [{ after: formatCursor(scope, { value: `\n${at}`, id: newId() }) }, 'after'],
    [{ after: forged(`product CREATED_AT DESC ${newId()} ${at}`) }, 'after'],
  ])('%j', async (args, argument) => {
    const operation =
      'query ($first: Int, $last: Int, $after: String, $before: String) { products(first: $first, last: $last, after: $after, before: $before) { nodes { id } } }';
    expectClearError(await query(app.origin, operation, args), 'BAD_USER_INPUT', argument);
  });

  test("a product's cursor among reviews", async () => {
    const answer = await query(
      app.origin,
      `{ product(id: "${product}") { reviews(after: "${cursor}") { nodes { id } } } }`,
    );
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'after' });
  });

  test.each(['9999-12-31T23:59:59.999999Z', '0001-01-01T00:00:00.000000Z'])('a cursor at %s is fine', async (value) => {
    const after = formatCursor(scope, { value, id: newId() });
    dataOf(await query(app.origin, 'query ($after: String) { products(after: $after) { nodes { id } } }', { after }));
  });
});

describe('texts and numbers of inputs become userErrors', () => {
  const price = { amount: '1', currencyCode: 'EUR' };
  const fine = { name: 'Lamp', price };
  test.each<[string, object, string, string[]]>([
    ['empty name', { ...fine, name: '' }, 'BLANK', ['name']],
    ['blank name', { ...fine, name: ' \u00a0\u3000\t' }, 'BLANK', ['name']],
    ['invisible name', { ...fine, name: '\u200b\u2060\ufeff\u3164' }, 'BLANK', ['name']],
    ['long name', { ...fine, name: 'x'.repeat(201) }, 'TOO_LONG', ['name']],
    ['long name of emoji', { ...fine, name: '😀'.repeat(201) }, 'TOO_LONG', ['name']],
    ['name with NUL', { ...fine, name: 'a\0b' }, 'INVALID', ['name']],
    ['name with a lone surrogate', { ...fine, name: 'a\ud800' }, 'INVALID', ['name']],
    ['name with a control character', { ...fine, name: 'a\u0007b' }, 'INVALID', ['name']],
    ['name of a bidi override alone', { ...fine, name: '\u202e' }, 'BLANK', ['name']],
    ['name with an unassigned letter of Windows-1252', { ...fine, name: 'a\u0081b' }, 'INVALID', ['name']],
    ['invisible externalId', { ...fine, externalId: '\u200b\u00ad' }, 'BLANK', ['externalId']],
    ['externalId of two lines', { ...fine, externalId: 'a\nb' }, 'INVALID', ['externalId']],
    ['name of two lines', { ...fine, name: 'a\nb' }, 'INVALID', ['name']],
    ['empty externalId', { ...fine, externalId: '' }, 'BLANK', ['externalId']],
    ['long externalId', { ...fine, externalId: 'x'.repeat(201) }, 'TOO_LONG', ['externalId']],
    ['long description', { ...fine, description: 'x'.repeat(10_001) }, 'TOO_LONG', ['description']],
    ['description with an escape', { ...fine, description: '\u001b[31m' }, 'INVALID', ['description']],
    ['negative price', { ...fine, price: { ...price, amount: '-1' } }, 'INVALID', ['price', 'amount']],
    ['minus zero', { ...fine, price: { ...price, amount: '-0' } }, 'INVALID', ['price', 'amount']],
    ['huge price', { ...fine, price: { ...price, amount: '10000000000' } }, 'INVALID', ['price', 'amount']],
    ['three decimals in EUR', { ...fine, price: { ...price, amount: '1.999' } }, 'INVALID', ['price', 'amount']],
    ['a decimal in JPY', { ...fine, price: { amount: '1.5', currencyCode: 'JPY' } }, 'INVALID', ['price', 'amount']],
    [
      'four decimals in KWD',
      { ...fine, price: { amount: '1.2345', currencyCode: 'KWD' } },
      'INVALID',
      ['price', 'amount'],
    ],
    ['unknown currency', { ...fine, price: { ...price, currencyCode: 'ABC' } }, 'INVALID', ['price', 'currencyCode']],
    ['no currency', { ...fine, price: { ...price, currencyCode: 'XXX' } }, 'INVALID', ['price', 'currencyCode']],
    ['gold', { ...fine, price: { ...price, currencyCode: 'XAU' } }, 'INVALID', ['price', 'currencyCode']],
  ])('product: %s', async (_name, input, code, field) => {
    const before = await rowCounts();
    const create = await query(
      app.origin,
      'mutation ($input: CreateProductInput!) { createProduct(input: $input) { product { id } userErrors { code field message } } }',
      { input },
      { token: admin },
    );
    const update = await query(
      app.origin,
      'mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { product { id } userErrors { code field message } } }',
      { input: { id: product, ...input } },
      { token: admin },
    );
    for (const payload of [dataOf(create).createProduct, dataOf(update).updateProduct]) {
      expect(payload).toMatchObject({ product: null, userErrors: [{ code, field: ['input', ...field] }] });
      expect(payload.userErrors).toHaveLength(1);
      expect(payload.userErrors[0].message.length).toBeLessThan(120);
    }
    expect(await rowCounts()).toEqual(before);
  });

  test.each<[string, object, string, string]>([
    ['rating 0', { rating: 0 }, 'OUT_OF_RANGE', 'rating'],
    ['rating 6', { rating: 6 }, 'OUT_OF_RANGE', 'rating'],
    ['rating -5', { rating: -5 }, 'OUT_OF_RANGE', 'rating'],
    ['rating 2147483647', { rating: 2_147_483_647 }, 'OUT_OF_RANGE', 'rating'],
    ['empty title', { rating: 3, title: '' }, 'BLANK', 'title'],
    ['long title', { rating: 3, title: 'x'.repeat(201) }, 'TOO_LONG', 'title'],
    ['blank body', { rating: 3, body: '\n\n ' }, 'BLANK', 'body'],
    ['long body', { rating: 3, body: 'x'.repeat(10_001) }, 'TOO_LONG', 'body'],
    ['body with NUL', { rating: 3, body: 'a\0' }, 'INVALID', 'body'],
    ['body with a lone surrogate', { rating: 3, body: '\udfff' }, 'INVALID', 'body'],
  ])('review: %s', async (_name, input, code, field) => {
    const before = await rowCounts();
    const operation =
      'mutation ($input: CreateReviewInput!) { createReview(input: $input) { review { id } ratingVersion userErrors { code field } } }';
    const answer = await query(
      app.origin,
      operation,
      { input: { productId: product, ...input } },
      { token: await newUserToken() },
    );
    expect(dataOf(answer).createReview).toEqual({
      review: null,
      ratingVersion: null,
      userErrors: [{ code, field: ['input', field] }],
    });
    expect(await rowCounts()).toEqual(before);
  });

  test('several problems are reported at once', async () => {
    const input = { name: '', externalId: 'x'.repeat(300), price: { amount: '-1', currencyCode: 'ABC' } };
    const answer = await query(
      app.origin,
      'mutation ($input: CreateProductInput!) { createProduct(input: $input) { userErrors { field } } }',
      { input },
      { token: admin },
    );
    expect(
      dataOf(answer)
        .createProduct.userErrors.map(({ field }: { field: string[] }) => field.join('.'))
        .sort(),
    ).toEqual(['input.externalId', 'input.name', 'input.price.amount', 'input.price.currencyCode']);
  });

  test('the longest texts that are allowed are stored, in code points, and come back the same', async () => {
    const [name, description] = ['😀'.repeat(200), 'ש👩‍👩‍👧‍👦\n'.repeat(1_000)];
    const answer = await query(
      app.origin,
      'mutation ($input: CreateProductInput!) { createProduct(input: $input) { product { id name description } userErrors { code } } }',
      { input: { name, description, price } },
      { token: admin },
    );
    expect(dataOf(answer).createProduct).toMatchObject({ product: { name, description }, userErrors: [] });
  });
});

describe('values that an input type cannot hold', () => {
  const operation = 'mutation ($input: CreateReviewInput!) { createReview(input: $input) { userErrors { code } } }';
  test.each<[string, string, string]>([
    ['4.5', '{"productId":"ID","rating":4.5}', 'input.rating'],
    ['text', '{"productId":"ID","rating":"5"}', 'input.rating'],
    ['true', '{"productId":"ID","rating":true}', 'input.rating'],
    ['1e400', '{"productId":"ID","rating":1e400}', 'input.rating'],
    ['2^31', '{"productId":"ID","rating":2147483648}', 'input.rating'],
    ['a list', '{"productId":"ID","rating":[4,5]}', 'input.rating'],
    ['an object', '{"productId":"ID","rating":{"a":1}}', 'input.rating'],
    ['null', '{"productId":"ID","rating":null}', 'input.rating'],
    ['a number as text', '{"productId":"ID","rating":4,"title":12}', 'input.title'],
    ['a huge text as number', `{"productId":"ID","rating":"${'x'.repeat(50_000)}"}`, 'input.rating'],
  ])('rating %s', async (_name, input, argument) => {
    const answer = await send(`${app.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${admin}` },
      body: `{"query":${JSON.stringify(operation)},"variables":{"input":${input.replace('"ID"', `"${product}"`)}}}`,
    });
    expect(answer.status).toBe(400);
    expectClearError(answer, 'BAD_USER_INPUT', argument);
  });

  test.each<[string, object, string]>([
    ['an unknown field', { productId: 'x', rating: 4, stars: 4 }, 'input'],
    ['a missing field', { rating: 4 }, 'input'],
    ['a text for an object', 'text' as unknown as object, 'input'],
  ])('%s', async (_name, input, argument) => {
    const answer = await query(app.origin, operation, { input }, { token: admin });
    expectClearError(answer, 'BAD_USER_INPUT', argument);
  });

  test('a missing variable', async () => {
    const answer = await query(app.origin, operation, {}, { token: admin });
    expectClearError(answer, 'BAD_USER_INPUT');
    expect(answer.errors[0]!.message).toContain('$input');
  });

  test.each([
    ['a number', 19.99],
    ['an exponent', '1e3'],
    ['words', 'ten'],
    ['a comma', '1,5'],
    ['NaN', 'NaN'],
    ['nothing', ''],
    ['half a number', '1.'],
    ['40 digits', '1'.repeat(40)],
  ])('a price that is %s', async (_name, amount) => {
    const answer = await query(
      app.origin,
      'mutation ($input: CreateProductInput!) { createProduct(input: $input) { userErrors { code } } }',
      { input: { name: 'x', price: { amount, currencyCode: 'EUR' } } },
      { token: admin },
    );
    expectClearError(answer, 'BAD_USER_INPUT', 'input.price.amount');
  });

  test.each([
    'rating: "5"',
    'rating: 4.5',
    'rating: 1e400',
    'rating: NaN',
    'rating: 2147483648',
    'rating: 4, stars: 4',
    '',
  ])('written into the operation: { %s }', async (field) => {
    const literal = `mutation { createReview(input: { productId: "${product}", ${field} }) { userErrors { code } } }`;
    expectClearError(await query(app.origin, literal, {}, { token: admin }), 'GRAPHQL_VALIDATION_FAILED');
  });

  test.each(['price: { amount: 5, currencyCode: "EUR" }', 'price: { amount: "5", currencyCode: "euro" }'])(
    'written into the operation: { %s }',
    async (field) => {
      const literal = `mutation { createProduct(input: { name: "x", ${field} }) { userErrors { code } } }`;
      expectClearError(await query(app.origin, literal, {}, { token: admin }), 'GRAPHQL_VALIDATION_FAILED');
    },
  );
});

test.each([
  ['@skip', 'query ($x: Boolean = true) { products(first: 1) { nodes { id @skip(if: $x) } } }'],
  ['@include', 'query ($x: Boolean = true) { products(first: 1) { nodes { id @include(if: $x) } } }'],
  ['an argument', 'query ($x: ID = "x") { product(id: $x) { id } }'],
])('null in a variable whose default made it fit for %s', async (_name, text) => {
  const answer = await query(app.origin, text, { x: null });
  expectClearError(answer, 'BAD_USER_INPUT');
  expect(answer.errors[0]!.message).toMatch(/^Argument "(if|id)" of non-null type "(Boolean|ID)!" must not be null\.$/);
});
