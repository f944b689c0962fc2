import { query, dataOf } from '../testing/graphql.js';
import { insertProduct, insertReview, outboxEvents } from '@exact-ratings/stack/testing/rows.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { adminToken, newUserToken } from '@exact-ratings/stack/testing/tokens.js';
import { newId } from '../graphql/ids.js';

let database: TestDatabase;
let app: TestApp;
let admin: string;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp(database.env);
  admin = await adminToken();
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const FIELDS = 'id externalId name description price { amount currencyCode } version createdAt updatedAt';
const ERRORS = 'userErrors { code field message __typename }';

const create = (input: object, token: string | undefined = admin) =>
  query(
    app.origin,
    `mutation ($input: CreateProductInput!) { createProduct(input: $input) { product { ${FIELDS} averageRating reviewCount } ${ERRORS} } }`,
    { input },
    { token },
  );
const update = (input: object, token: string | undefined = admin) =>
  query(
    app.origin,
    `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { product { ${FIELDS} } ${ERRORS} } }`,
    { input },
    { token },
  );
const remove = (id: string, token: string | undefined = admin, expectedVersion?: number) =>
  query(
    app.origin,
    `mutation ($id: ID!, $expectedVersion: Int) {
       deleteProduct(input: { id: $id, expectedVersion: $expectedVersion }) { deletedProductId ${ERRORS} } }`,
    { id, expectedVersion },
    { token },
  );
const get = (id: string) => query(app.origin, `query ($id: ID!) { product(id: $id) { ${FIELDS} } }`, { id });
const lamp = { name: 'Lamp', price: { amount: '19.99', currencyCode: 'EUR' } };

async function created(input: object = lamp): Promise<Record<string, unknown> & { id: string; version: number }> {
  return dataOf(await create(input)).createProduct.product;
}
const countProducts = async (): Promise<number> =>
  ((await database.pool.query('SELECT count(*)::integer AS n FROM products')).rows[0] as { n: number }).n;

describe('create and read', () => {
  test('a product comes back as it was given, by id and by externalId', async () => {
    const externalId = `sku-${newId()}`;
    const { createProduct } = dataOf(
      await create({ ...lamp, externalId, description: 'Zeile 1\nשלום 👩‍👩‍👧 <b>"\'; DROP TABLE products; --' }),
    );
    expect(createProduct.userErrors).toEqual([]);
    const { averageRating, reviewCount, ...product } = createProduct.product;
    expect([averageRating, reviewCount]).toEqual([null, 0]);
    expect(product).toMatchObject({
      externalId,
      name: 'Lamp',
      description: 'Zeile 1\nשלום 👩‍👩‍👧 <b>"\'; DROP TABLE products; --',
      price: { amount: '19.99', currencyCode: 'EUR' },
      version: 1,
    });
    // UUIDv7.
    expect(product.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(dataOf(await get(product.id)).product).toEqual(product);
    expect(dataOf(await get(product.id.toUpperCase())).product).toEqual(product);
    const byExternalId = await query(
      app.origin,
      `query ($x: String!) { productByExternalId(externalId: $x) { ${FIELDS} } }`,
      { x: externalId },
    );
    expect(dataOf(byExternalId).productByExternalId).toEqual(product);
  });

  test('what is not there is null', async () => {
    expect(dataOf(await get(newId())).product).toBeNull();
    for (const x of ['', 'nothing', 'x'.repeat(10_000)]) {
      const answer = await query(app.origin, 'query ($x: String!) { productByExternalId(externalId: $x) { id } }', {
        x,
      });
      expect(dataOf(answer).productByExternalId).toBeNull();
    }
  });

  test.each([
    ['EUR', '5', '5.00'],
    ['EUR', '5.5', '5.50'],
    ['JPY', '500', '500'],
    ['KWD', '1.234', '1.234'],
    ['KWD', '1', '1.000'],
    ['HUF', '9.99', '9.99'],
    ['CLF', '1.2345', '1.2345'],
    ['USD', '0', '0.00'],
    ['EUR', '9999999999.99', '9999999999.99'],
  ])('money in %s: %s is %s', async (currencyCode, amount, shown) => {
    expect((await created({ name: 'x', price: { amount, currencyCode } }))['price']).toEqual({
      amount: shown,
      currencyCode,
    });
  });

  test('a price that somebody inserted in a currency that ISO 4217 does not know is still shown', async () => {
    const id = newId();
    await database.pool.query(
      `INSERT INTO products (id, name, price_amount, price_currency) VALUES ($1, 'x', 1.5, 'ABC')`,
      [id],
    );
    expect(dataOf(await get(id)).product.price).toEqual({ amount: '1.5000', currencyCode: 'ABC' });
  });

  test('an externalId is unique however it was typed, and found so', async () => {
    const externalId = `Caf\u00e9 ${newId()}`;
    const { id } = await created({ ...lamp, externalId });
    const typed = [
      ` ${externalId}`,
      `${externalId}\n`,
      `\u200b${externalId}`,
      externalId.normalize('NFD'),
      externalId.replace(' ', '\u00a0'),
    ];
    for (const other of typed) {
      expect(dataOf(await create({ ...lamp, externalId: other })).createProduct.userErrors).toMatchObject([
        { code: 'EXTERNAL_ID_TAKEN' },
      ]);
      const found = await query(app.origin, 'query ($x: String!) { productByExternalId(externalId: $x) { id } }', {
        x: other,
      });
      expect(dataOf(found).productByExternalId).toEqual({ id });
    }
  });

  test('names are trimmed; what a paste brings along is cleaned', async () => {
    const product = await created({
      ...lamp,
      name: ' La\u202emp\u200b ',
      description: 'One\vTwo \u0096 \u202bשלום\u202c',
    });
    expect(product).toMatchObject({ name: 'Lamp', description: 'One\nTwo – \u202bשלום\u202c' });
  });

  test('an externalId is unique', async () => {
    const externalId = `sku-${newId()}`;
    await created({ ...lamp, externalId });
    const before = await countProducts();
    expect(dataOf(await create({ ...lamp, externalId })).createProduct).toMatchObject({
      product: null,
      userErrors: [{ code: 'EXTERNAL_ID_TAKEN', field: ['input', 'externalId'], __typename: 'UserError' }],
    });
    const other = await created();
    expect(dataOf(await update({ id: other.id, externalId })).updateProduct.userErrors).toMatchObject([
      { code: 'EXTERNAL_ID_TAKEN' },
    ]);
    expect(await countProducts()).toBe(before + 1);
  });
});

describe('update', () => {
  test('absent fields stay; null clears what may be null', async () => {
    const { id } = await created({ ...lamp, externalId: `sku-${newId()}`, description: 'words' });
    expect(dataOf(await update({ id, name: 'Chair' })).updateProduct.product).toMatchObject({
      name: 'Chair',
      description: 'words',
      version: 2,
    });
    const cleared = dataOf(await update({ id, description: null, externalId: null })).updateProduct.product;
    expect(cleared).toMatchObject({ name: 'Chair', description: null, externalId: null, version: 3 });
    expect(
      dataOf(await update({ id, price: { amount: '1', currencyCode: 'JPY' } })).updateProduct.product,
    ).toMatchObject({
      price: { amount: '1', currencyCode: 'JPY' },
      version: 4,
    });
    expect(dataOf(await get(id)).product).toMatchObject({ name: 'Chair', version: 4 });
  });

  test.each(['name', 'price'])('%s must not be null', async (field) => {
    const { id } = await created();
    expect(dataOf(await update({ id, [field]: null })).updateProduct).toMatchObject({
      product: null,
      userErrors: [{ code: 'INVALID', field: ['input', field] }],
    });
    expect(dataOf(await get(id)).product.version).toBe(1);
  });

  test('what changes nothing takes no version and leaves updatedAt', async () => {
    const product = await created({ ...lamp, description: 'words' });
    const { id } = product;
    for (const input of [
      { id },
      { id, name: 'Lamp', description: 'words', price: { amount: '19.990'.slice(0, 5), currencyCode: 'EUR' } },
      { id, expectedVersion: 1, externalId: null },
    ]) {
      const { averageRating: _a, reviewCount: _r, ...expected } = product;
      expect(dataOf(await update(input)).updateProduct).toEqual({ product: expected, userErrors: [] });
    }
  });

  test('expectedVersion refuses lost updates, also when nothing would change', async () => {
    const { id } = await created();
    const conflict = [{ code: 'VERSION_CONFLICT', field: ['input', 'expectedVersion'] }];
    expect(dataOf(await update({ id, expectedVersion: 1, name: 'A' })).updateProduct.product.version).toBe(2);
    expect(dataOf(await update({ id, expectedVersion: 1, name: 'B' })).updateProduct.userErrors).toMatchObject(
      conflict,
    );
    expect(dataOf(await update({ id, expectedVersion: 1, name: 'A' })).updateProduct.userErrors).toMatchObject(
      conflict,
    );
    expect(dataOf(await update({ id, expectedVersion: 1 })).updateProduct.userErrors).toMatchObject(conflict);
    expect(dataOf(await get(id)).product).toMatchObject({ name: 'A', version: 2 });
  });

  test('of 10 updates of one version at once, one succeeds', async () => {
    const { id } = await created();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => update({ id, expectedVersion: 1, name: `name ${i}` })),
    );
    const payloads = answers.map((answer) => dataOf(answer).updateProduct);
    const [done, ...more] = payloads.filter(({ userErrors }) => userErrors.length === 0);
    expect(more).toEqual([]);
    const refused = payloads.filter(({ userErrors }) => userErrors[0]?.code === 'VERSION_CONFLICT');
    // Each shows the product as it is now.
    expect(refused.map(({ product }) => product)).toEqual(Array.from({ length: 9 }, () => done.product));
    expect(dataOf(await get(id)).product.version).toBe(2);
  });

  test('an unknown product is NOT_FOUND, with and without changes', async () => {
    for (const input of [{ id: newId() }, { id: newId(), name: 'A' }, { id: newId(), expectedVersion: 1 }]) {
      expect(dataOf(await update(input)).updateProduct).toMatchObject({
        product: null,
        userErrors: [{ code: 'NOT_FOUND', field: ['input', 'id'] }],
      });
    }
  });
});

describe('delete', () => {
  test('takes the reviews along and is one event; a second time it is NOT_FOUND', async () => {
    const { id } = await created();
    await insertReview(database.pool, id, 4);
    expect(dataOf(await remove(id)).deleteProduct).toEqual({ deletedProductId: id, userErrors: [] });
    expect((await database.pool.query('SELECT FROM reviews WHERE product_id = $1', [id])).rowCount).toBe(0);
    expect(dataOf(await get(id)).product).toBeNull();
    expect(dataOf(await remove(id)).deleteProduct).toMatchObject({
      deletedProductId: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['input', 'id'] }],
    });
  });

  test('expectedVersion refuses to delete what was changed since', async () => {
    const { id } = await created();
    await update({ id, name: 'New' });
    expect(dataOf(await remove(id, admin, 1)).deleteProduct).toMatchObject({
      deletedProductId: null,
      userErrors: [{ code: 'VERSION_CONFLICT', field: ['input', 'expectedVersion'] }],
    });
    expect(dataOf(await get(id)).product.name).toBe('New');
    expect(dataOf(await remove(id, admin, 2)).deleteProduct).toEqual({ deletedProductId: id, userErrors: [] });
  });

  test('within one request, what the deletion changed is read anew', async () => {
    const id = await insertProduct(database.pool);
    const answer = await query(
      app.origin,
      `mutation ($id: ID!) {
        before: updateProduct(input: { id: $id, name: "New" }) { product { name reviews { totalCount } } }
        deleteProduct(input: { id: $id }) { deletedProductId }
        after: updateProduct(input: { id: $id, name: "Newer" }) { product { name } userErrors { code } }
      }`,
      { id },
      { token: admin },
    );
    expect(dataOf(answer)).toEqual({
      before: { product: { name: 'New', reviews: { totalCount: 0 } } },
      deleteProduct: { deletedProductId: id },
      after: { product: null, userErrors: [{ code: 'NOT_FOUND' }] },
    });
  });
});

test('products are changed by admins only', async () => {
  const { id } = await created();
  const user = await newUserToken();
  const before = await countProducts();
  const events = (await outboxEvents(database.pool)).length;
  for (const [token, code] of [
    ['', 'UNAUTHENTICATED'],
    [user, 'FORBIDDEN'],
  ] as const) {
    const as = { ...(token === '' ? {} : { token }) };
    const answers = [
      await query(
        app.origin,
        `mutation ($input: CreateProductInput!) { createProduct(input: $input) { product { id } } }`,
        { input: lamp },
        as,
      ),
      await query(
        app.origin,
        `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { product { id } } }`,
        { input: { id, name: 'B' } },
        as,
      ),
      await query(
        app.origin,
        `mutation ($input: DeleteProductInput!) { deleteProduct(input: $input) { deletedProductId } }`,
        { input: { id } },
        as,
      ),
    ];
    for (const answer of answers) {
      expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual([code]);
      expect(answer.data).toBeNull();
    }
  }
  expect(await countProducts()).toBe(before);
  expect(await outboxEvents(database.pool)).toHaveLength(events);
  expect(dataOf(await get(id)).product).toMatchObject({ name: 'Lamp', version: 1 });
});
