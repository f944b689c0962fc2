import { starCounts, weightedRating } from '@exact-ratings/shared/rating/rating-state.js';
import { changeReviews, insertProducts } from '@exact-ratings/stack/testing/rows.js';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { formatCursor } from '../pagination/cursor.js';
import { keysetQuery } from '../pagination/keyset.js';
import { OrderDirection } from '../pagination/order.js';
import { dataOf, query, type Answer } from '../testing/graphql.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { productCondition, type ProductFilter } from './product-filter.js';
import { PRODUCT_ORDERS, ProductOrderField } from './product-order.js';

const ORDERS = [
  ProductOrderField.AVERAGE_RATING,
  ProductOrderField.WEIGHTED_RATING,
  ProductOrderField.REVIEW_COUNT,
] as const;
const PRIOR = { mean: 3.5, weight: 10 };

let database: TestDatabase;
let app: TestApp;
/** By id. */
let ids: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  ids = (await insertProducts(database.pool, 60)).sort();
  // Ten without reviews, and many that share their counts.
  await database.pool.query(
    `INSERT INTO reviews (product_id, rating)
     SELECT id, 1 + (nth * i) % 5 FROM unnest($1::uuid[]) WITH ORDINALITY AS p (id, nth), generate_series(1, 7) AS i
      WHERE i <= nth % 6 + 1 AND nth > 10`,
    [ids],
  );
  await persist();
  // Whoever connects writes floats with as few digits as there are.
  await database.pool.query(`ALTER DATABASE ${database.config.database} SET extra_float_digits = -15`);
  app = await startTestApp(database.env);
});
afterAll(async () => {
  await app?.stop();
  await database.drop();
});

const persist = (): Promise<unknown> =>
  database.pool.query(
    'SELECT persist_product_ratings((SELECT array_agg(product_id) FROM review_streams WHERE dirty), $1, $2, true)',
    [PRIOR.mean, PRIOR.weight],
  );

const OPERATION = `query ($filter: ProductFilter, $orderBy: ProductOrder!, $first: Int, $after: String, $last: Int, $before: String) {
  products(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`;
const list = (variables: object): Promise<Answer> => query(app.origin, OPERATION, { ...variables });

interface ListPage {
  readonly totalCount: number;
  readonly nodes: ReadonlyArray<{ readonly id: string }>;
  readonly pageInfo: {
    readonly startCursor: string;
    readonly endCursor: string;
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
  };
}
const pageOf = async (variables: object): Promise<ListPage> => dataOf(await list(variables)).products as ListPage;

/** The ids of the whole list, page by page, from its start or backward from its end. */
async function walk(variables: object, size: number, backward = false): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ;) {
    const window = backward ? { last: size, before: cursor } : { first: size, after: cursor };
    const { nodes, pageInfo } = await pageOf({ ...variables, ...window });
    const page = nodes.map(({ id }) => id);
    if (backward) found.unshift(...page);
    else found.push(...page);
    if (!(backward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return found;
    cursor = backward ? pageInfo.startCursor : pageInfo.endCursor;
  }
}

/** What each product is ordered by, straight from its reviews. */
async function keys(field: ProductOrderField): Promise<Map<string, number>> {
  const { rows } = await database.pool.query<{ id: string; stars: number[] }>(
    `SELECT p.id, ARRAY(SELECT (SELECT count(*)::integer FROM reviews r
                                 WHERE r.product_id = p.id AND r.rating = n AND r.status = 'PUBLISHED')
                          FROM generate_series(1, 5) n ORDER BY n) AS stars FROM products p`,
  );
  const prior = field === ProductOrderField.AVERAGE_RATING ? { mean: 0, weight: 0 } : PRIOR;
  return new Map(
    rows.map(({ id, stars }) => [
      id,
      field === ProductOrderField.REVIEW_COUNT
        ? stars.reduce((sum, n) => sum + n, 0)
        : weightedRating({ stars: starCounts(stars) }, prior),
    ]),
  );
}

describe.each(ORDERS)('%s', (field) => {
  test.each(['ASC', 'DESC'])('%s, in pages of any size, from both ends', async (direction) => {
    const byKey = await keys(field);
    const expected = [...ids].sort((a, b) => byKey.get(a)! - byKey.get(b)! || (a < b ? -1 : 1));
    if (direction === 'DESC') expected.reverse();
    const orderBy = { field, direction };
    expect(await walk({ orderBy }, 100)).toEqual(expected);
    expect(await walk({ orderBy }, 7)).toEqual(expected);
    expect(await walk({ orderBy }, 7, true)).toEqual(expected);
    // Products without reviews are below all others.
    const unreviewed = direction === 'ASC' ? expected.slice(0, 10) : expected.slice(-10);
    expect(unreviewed.sort()).toEqual(ids.slice(0, 10));
  });

  test('is read by its index, without a sort, from any position in both directions', async () => {
    await database.pool.query(
      `INSERT INTO products (name, price_amount, price_currency) SELECT 'filler', 1, 'EUR' FROM generate_series(1, 5000)`,
    );
    await database.pool.query(`UPDATE product_ratings SET stars_3 = 1 + random() * 50, weighted = 1 + 4 * random()
                                WHERE product_id IN (SELECT id FROM products WHERE name = 'filler')`);
    await database.pool.query('ANALYZE products, product_ratings');
    const order = PRODUCT_ORDERS[field];
    const index = `product_ratings_${order.column}_idx`;
    for (const direction of [OrderDirection.ASC, OrderDirection.DESC]) {
      for (const backward of [false, true]) {
        const scope = { kind: 'product', order, direction, filter: '' };
        const condition = productCondition(null, { field, direction });
        const { text, values } = keysetQuery(
          { ...scope, condition, table: 'products' },
          { columns: ['id', 'name'], positions: true, bounds: false },
          { size: 20, backward, after: { value: '3', id: ids[0]! }, before: null },
          null,
        );
        const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        expect(plan).toMatch(new RegExp(`Scan.* using ${index}`));
        expect(plan).toContain('Index Cond: (ROW(');
        expect(plan).not.toMatch(/Sort|Seq Scan/);
      }
    }
    await database.pool.query(`DELETE FROM products WHERE name = 'filler'`);
  });

  test('a forged position is refused', async () => {
    for (const value of ['', '-1', '1e1', 'NaN', '5.', '3.12345678901234567890']) {
      const scope = { kind: 'product', order: PRODUCT_ORDERS[field], direction: OrderDirection.DESC, filter: '' };
      const { errors } = await list({ orderBy: { field }, after: formatCursor(scope, { value, id: ids[0]! }) });
      expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'after' });
    }
  });
});

test('a walk finds every product that does not move once, in its place, while others move and are persisted', async () => {
  const movers = ids.filter((_, i) => i % 3 === 0);
  const still = new Set(ids.filter((_, i) => i % 3 !== 0));
  let walking = true;
  const write = async (): Promise<void> => {
    while (walking) {
      await changeReviews(database.pool, [...movers].sort(() => Math.random() - 0.5).slice(0, 5));
      await persist();
    }
  };
  const writing = write();
  try {
    for (const field of ORDERS) {
      const byKey = await keys(field);
      for (const direction of ['ASC', 'DESC']) {
        for (const backward of [false, true]) {
          const found = (await walk({ orderBy: { field, direction } }, 4, backward)).filter((id) => still.has(id));
          const expected = [...still].sort((a, b) => byKey.get(a)! - byKey.get(b)! || (a < b ? -1 : 1));
          expect(found).toEqual(direction === 'DESC' ? expected.reverse() : expected);
        }
      }
    }
  } finally {
    walking = false;
    await writing;
  }
  await persist();
}, 60_000);

describe('filters', () => {
  test.each<[ProductFilter, (average: number, count: number) => boolean]>([
    [{ minRating: 3 }, (average) => average >= 3],
    [{ minRating: 1 }, (_, count) => count > 0],
    [{ minReviewCount: 0 }, () => true],
    [{ minReviewCount: 3 }, (_, count) => count >= 3],
    [{ minRating: 2.5, minReviewCount: 2 }, (average, count) => average >= 2.5 && count >= 2],
    [{ minRating: 5, minReviewCount: 2_147_483_647 }, () => false],
  ])('%j, in any order', async (filter, fits) => {
    const averages = await keys(ProductOrderField.AVERAGE_RATING);
    const counts = await keys(ProductOrderField.REVIEW_COUNT);
    const expected = ids.filter((id) => fits(averages.get(id)!, counts.get(id)!));
    for (const field of [ProductOrderField.CREATED_AT, ProductOrderField.NAME, ...ORDERS]) {
      expect((await walk({ filter, orderBy: { field } }, 9)).sort()).toEqual(expected);
    }
    expect((await pageOf({ filter, orderBy: { field: 'NAME' }, first: 1 })).totalCount).toBe(expected.length);
  });

  test.each([
    [{ minRating: 0.99 }, 'filter.minRating', 'filter.minRating must be from 1 to 5'],
    [{ minRating: 5.01 }, 'filter.minRating', 'filter.minRating must be from 1 to 5'],
    [{ minRating: -1e300 }, 'filter.minRating', 'filter.minRating must be from 1 to 5'],
    [{ minReviewCount: -1 }, 'filter.minReviewCount', 'filter.minReviewCount must not be negative'],
  ])('%j is refused', async (filter, argument, message) => {
    const { errors, status } = await list({ filter, orderBy: { field: 'NAME' } });
    expect([status, errors.map((error) => error.message)]).toEqual([400, [message]]);
    expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
  });

  test('with the other filters', async () => {
    const filter = { search: 'product 20', currencyCode: 'EUR', minReviewCount: 1 };
    const { nodes } = await pageOf({ filter, orderBy: { field: 'WEIGHTED_RATING' } });
    const { rows } = await database.pool.query<{ id: string }>(
      `SELECT id FROM products p WHERE name = 'product 20' AND EXISTS (SELECT FROM reviews r WHERE r.product_id = p.id)`,
    );
    expect(nodes).toEqual(rows);
  });
});

test('a product that is deleted is in no list, also while its reviews are being removed', async () => {
  await database.pool.query('UPDATE products SET deleted_at = now() WHERE id = $1', [ids[20]]);
  for (const field of ORDERS) expect(await walk({ orderBy: { field } }, 50)).not.toContain(ids[20]);
  expect((await pageOf({ orderBy: { field: 'REVIEW_COUNT' } })).totalCount).toBe(59);
});
