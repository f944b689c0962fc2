import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { newId } from '../graphql/ids.js';
import { formatCursor } from '../pagination/cursor.js';
import { filterDigest } from '../pagination/filter.js';
import { OrderDirection } from '../pagination/order.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { PRODUCT_ORDERS } from './product-order.js';

let database: TestDatabase;
let app: TestApp;

/** Name, description, price; created one after the other, the last one newest. */
const CATALOGUE: ReadonlyArray<readonly [string, string | null, string, string]> = [
  ['Zinc bucket', 'Ten litres.', '9.90', 'EUR'],
  ['apple corer', 'For apples, and nothing else.', '4', 'EUR'],
  ['Ärmelbrett', 'Ein kleines Bügelbrett.', '30', 'EUR'],
  ['Øllebrød bowl', null, '9.90', 'EUR'],
  ['Łódź lamp', 'Red light - “Nocturne”', '120.5', 'EUR'],
  ['lamp', 'Green light', '9.90', 'USD'],
  ['Lamp', 'A red-hot classic, in RED', '1000', 'JPY'],
  ['Самовар', 'ЧАЙНИК', '10000', 'JPY'],
  ['самокат', null, '0', 'EUR'],
];

beforeAll(async () => {
  database = await createTestDatabase();
  for (const [i, [name, description, amount, currency]] of CATALOGUE.entries()) {
    await database.pool.query(
      `INSERT INTO products (name, description, price_amount, price_currency, created_at)
       VALUES ($1, $2, $3, $4, timestamptz '2026-01-01' + $5 * interval '1 microsecond')`,
      [name, description, amount, currency, i],
    );
  }
  await database.pool.query(
    `INSERT INTO products (name, price_amount, price_currency, deleted_at) VALUES ('Deleted lamp', 1, 'EUR', now())`,
  );
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const OPERATION = `query ($filter: ProductFilter, $orderBy: ProductOrder! = { field: CREATED_AT, direction: DESC }, $first: Int, $after: String, $before: String) {
  products(filter: $filter, orderBy: $orderBy, first: $first, after: $after, before: $before) {
    totalCount nodes { name } pageInfo { startCursor endCursor hasNextPage } } }`;

const list = (variables: object): Promise<Answer> => query(app.origin, OPERATION, { ...variables });

async function names(variables: object): Promise<string[]> {
  const { nodes, totalCount } = dataOf(await list(variables)).products;
  const found = (nodes as Array<{ name: string }>).map(({ name }) => name);
  expect(totalCount).toBe(found.length);
  return found;
}

const order = (field: string, direction = 'ASC') => ({ orderBy: { field, direction } });

describe('orders', () => {
  const BY_NAME = [
    'apple corer',
    'Ärmelbrett',
    'lamp',
    'Lamp',
    'Łódź lamp',
    'Øllebrød bowl',
    'Zinc bucket',
    'Самовар',
    'самокат',
  ];

  test('newest first without being asked, oldest first when asked', async () => {
    const created = CATALOGUE.map(([name]) => name);
    expect(await names({})).toEqual([...created].reverse());
    expect(await names(order('CREATED_AT'))).toEqual(created);
  });

  test('NAME is without case and accents, and ties are by id', async () => {
    const byName = await names(order('NAME'));
    expect(byName.map((name) => name.toLowerCase())).toEqual(BY_NAME.map((name) => name.toLowerCase()));
    expect(await names(order('NAME', 'DESC'))).toEqual(byName.reverse());
  });

  test('PRICE is by amount, in the one currency', async () => {
    const filter = { currencyCode: 'EUR' };
    const cheapest = await names({ filter, ...order('PRICE') });
    expect(cheapest.slice(0, 2)).toEqual(['самокат', 'apple corer']);
    expect(cheapest.slice(2, 4).sort()).toEqual(['Zinc bucket', 'Øllebrød bowl']);
    expect(cheapest.slice(4)).toEqual(['Ärmelbrett', 'Łódź lamp']);
    expect(await names({ filter, ...order('PRICE', 'DESC') })).toEqual(cheapest.reverse());
  });

  test('an order without its direction is descending', async () => {
    expect(await names({ orderBy: { field: 'NAME' } })).toEqual(await names(order('NAME', 'DESC')));
  });
});

describe('filters', () => {
  test.each<[object, string[]]>([
    [{}, CATALOGUE.map(([name]) => name)],
    [{ currencyCode: 'JPY' }, ['Lamp', 'Самовар']],
    [{ currencyCode: 'XAF' }, []],
    [{ currencyCode: 'EUR', price: { gte: '9.9', lte: '30.00' } }, ['Zinc bucket', 'Ärmelbrett', 'Øllebrød bowl']],
    [{ currencyCode: 'EUR', price: { gte: '120.5000' } }, ['Łódź lamp']],
    [{ currencyCode: 'EUR', price: { lte: '0' } }, ['самокат']],
    [{ currencyCode: 'EUR', price: { lte: '-1' } }, []],
    [{ currencyCode: 'EUR', price: { gte: '5', lte: '4' } }, []],
    [{ currencyCode: 'EUR', price: { gte: `1${'0'.repeat(29)}` } }, []],
    [{ currencyCode: 'USD', price: {} }, ['lamp']],
    [{ search: 'lamp', currencyCode: 'EUR' }, ['Łódź lamp']],
  ])('%j', async (filter, expected) => {
    expect(await names({ filter, ...order('CREATED_AT') })).toEqual(expected);
  });

  test.each([
    [{ filter: { price: { gte: '1' } } }, 'filter.price'],
    [{ filter: { price: {} } }, 'filter.price'],
    [order('PRICE'), 'the order PRICE'],
    [{ filter: { search: 'lamp' }, ...order('PRICE') }, 'the order PRICE'],
  ])('%j needs a currency', async (variables, what) => {
    const { errors, status } = await list(variables);
    expect([status, errors.length]).toEqual([400, 1]);
    expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'filter.currencyCode' });
    expect(errors[0]!.message).toContain(`filter.currencyCode is needed for ${what}`);
  });
});

describe('search', () => {
  const LAMPS = ['Łódź lamp', 'lamp', 'Lamp'];
  const ALL = CATALOGUE.map(([name]) => name);
  test.each<[string, string[]]>([
    ['lamp', LAMPS],
    ['  LAMP\t', LAMPS],
    ['lamp red', ['Łódź lamp', 'Lamp']],
    ['red\nlamp', ['Łódź lamp', 'Lamp']],
    ['"red lamp"', ['Łódź lamp', 'Lamp']],
    ['lamp -red', ['lamp']],
    ['green or bucket', ['Zinc bucket', 'lamp']],
    ['red-hot', ['Lamp']],
    ['hot', ['Lamp']],
    ['lodz', ['Łódź lamp']],
    ['ARMELBRETT bugelbrett', ['Ärmelbrett']],
    ['øllebrod', ['Øllebrød bowl']],
    ['nocturne', ['Łódź lamp']],
    ['“Nocturne”', ['Łódź lamp']],
    ['чайник САМОВАР', ['Самовар']],
    ['lam', []],
    ['toaster', []],
    ['', ALL],
    [' \u00a0\t\r\n', ALL],
    ['-lamp', []],
    ['lamp or -red', []],
    ['"" - & | !( ) <-> :* \\ \'', []],
    ["lamp'; DROP TABLE products; --", []],
    ['\u202elamp', LAMPS],
    ['💡', []],
    ['e\u0301'.repeat(100), []],
    ['lamp '.repeat(40), LAMPS],
    ['a-'.repeat(100), []],
  ])('%j', async (search, expected) => {
    expect(await names({ filter: { search }, ...order('CREATED_AT') })).toEqual(expected);
  });

  test.each([
    ['must have at most 200 characters', 'x'.repeat(201)],
    ['must have at most 200 characters', 'x '.repeat(5_000)],
    ['must have at most 200 characters', '💡'.repeat(201)],
    ['has a control character (U+0000) at position 5', 'lamp\0'],
    ['has half of a surrogate pair (U+D800) at position 1', '\ud800lamp'],
  ])('a search that %s', async (message, search) => {
    const { errors, status } = await list({ filter: { search } });
    expect([status, errors.length]).toEqual([400, 1]);
    expect(errors[0]!.message).toBe(`filter.search ${message}`);
    expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'filter.search' });
  });

  test('whatever a product is called, it can be stored and is found', async () => {
    // One character that folds to 18, four bytes that fold to eight, and a word longer than any that is searched.
    for (const name of ['\ufdfa'.repeat(200), '\u{1d15f}'.repeat(200), 'x'.repeat(200)]) {
      const { rows } = await database.pool.query<{ id: string }>(
        `INSERT INTO products (name, description, price_amount, price_currency) VALUES ($1, $2, 1, 'EUR') RETURNING id`,
        [name, `findable ${'\ufdfa'.repeat(9_000)}`],
      );
      expect(await names({ filter: { search: 'findable' } })).toEqual([name]);
      await database.pool.query('DELETE FROM products WHERE id = $1', [rows[0]!.id]);
    }
  });
});

describe('cursors', () => {
  const cursorOf = async (variables: object): Promise<string> =>
    dataOf(await list({ first: 2, ...variables })).products.pageInfo.endCursor as string;

  async function refusal(variables: object, argument: 'after' | 'before'): Promise<string> {
    const { errors, status } = await list(variables);
    expect([status, errors.length]).toEqual([400, 1]);
    expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
    return errors[0]!.message;
  }

  test('one of another order or direction names both', async () => {
    const after = await cursorOf(order('NAME'));
    expect(await refusal({ after, ...order('CREATED_AT') }, 'after')).toBe(
      'after is a cursor of the order NAME ASC, and this list is in the order CREATED_AT ASC: begin without a cursor',
    );
    expect(await refusal({ before: after, ...order('NAME', 'DESC') }, 'before')).toContain('of the order NAME ASC');
    expect(await refusal({ after }, 'after')).toContain('of the order NAME ASC');
  });

  test('one of another filter is refused; the same filter, however written, takes it', async () => {
    const filter = { currencyCode: 'EUR', search: 'lamp or bowl' };
    const after = await cursorOf({ filter, first: 1 });
    expect(await names({ filter: { search: 'lamp or bowl', price: null, currencyCode: 'EUR' } })).toHaveLength(2);
    const rest = dataOf(await list({ filter: { search: 'lamp or bowl', price: null, currencyCode: 'EUR' }, after }));
    expect(rest.products.nodes).toEqual([{ name: 'Øllebrød bowl' }]);
    for (const other of [undefined, {}, { currencyCode: 'EUR' }, { ...filter, search: 'lamp' }]) {
      expect(await refusal({ filter: other, after }, 'after')).toContain('under another filter');
    }
    const unfiltered = await cursorOf({});
    expect(await refusal({ filter, after: unfiltered }, 'after')).toContain('under another filter');
    expect(dataOf(await list({ filter: {}, after: unfiltered })).products.nodes).toHaveLength(CATALOGUE.length - 2);
  });

  test.each([
    ['PRICE', 'cheap'],
    ['PRICE', '1e5'],
    ['PRICE', ''],
    ['PRICE', '9'.repeat(21)],
    ['NAME', 'a\0b'],
    ['NAME', 'x'.repeat(1_001)],
    ['CREATED_AT', 'yesterday'],
  ] as const)('a forged position of %s, %j', async (field, value) => {
    const filter = { currencyCode: 'EUR' };
    const scope = { kind: 'product', order: PRODUCT_ORDERS[field], direction: OrderDirection.ASC };
    const after = formatCursor({ ...scope, filter: filterDigest(filter) }, { value, id: newId() });
    expect(await refusal({ filter, after, ...order(field) }, 'after')).toContain('is not a cursor');
  });

  test('a name of any letters is a good position', async () => {
    const name = `${'𝕏'.repeat(100)} "quoted", spaced\u3099 ${'ﷺ'.repeat(70)}`;
    await database.pool.query(
      `INSERT INTO products (name, price_amount, price_currency) VALUES ($1, 1, 'KWD'), ($1, 2, 'KWD')`,
      [name],
    );
    const filter = { currencyCode: 'KWD' };
    const after = await cursorOf({ filter, first: 1, ...order('NAME') });
    expect(dataOf(await list({ filter, after, ...order('NAME') })).products.nodes).toEqual([{ name }]);
    await database.pool.query(`DELETE FROM products WHERE price_currency = 'KWD'`);
  });
});
