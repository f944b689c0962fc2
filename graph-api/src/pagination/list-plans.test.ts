import 'reflect-metadata';
import { createTestDatabase, type TestDatabase } from '@exact-ratings/stack/testing/test-database.js';
import { productCondition, type ProductFilter } from '../products/product-filter.js';
import { PRODUCT_ORDERS, ProductOrderField } from '../products/product-order.js';
import { reviewCondition, type ReviewFilter } from '../reviews/review-filter.js';
import { REVIEW_ORDERS, ReviewOrderField } from '../reviews/review-order.js';
import { filterDigest } from './filter.js';
import { keysetQuery, type KeysetList, type Parents } from './keyset.js';
import { KEY_TYPES, OrderDirection } from './order.js';

const PRODUCTS = 30_000;
const REVIEWS = 30_000;
const PAGE_SIZE = 20;

let database: TestDatabase;
let product: string;
let position: { value: string; id: string };

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `INSERT INTO products (name, description, price_amount, price_currency, created_at)
     SELECT 'Product ' || md5(i::text), 'everywhere ' || CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END, (i * 7919) % 1000, (ARRAY['EUR', 'USD', 'JPY'])[1 + i % 3],
            timestamptz '2026-01-01' + (i * 7919 % $1::integer) * interval '1 second'
       FROM generate_series(1, $1) i`,
    [PRODUCTS],
  );
  const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM products LIMIT 1');
  product = rows[0]!.id;
  // Half of them of one product.
  await database.pool.query(
    `INSERT INTO reviews (product_id, rating, body, status, created_at)
     SELECT CASE WHEN n % 2 = 0 THEN $2::uuid ELSE id END, 1 + n % 5, CASE WHEN n % 3 = 0 THEN 'Fine.' END,
            CASE WHEN n % 100 = 0 THEN 'PENDING' ELSE 'PUBLISHED' END, timestamptz '2026-01-01' + (n * 7919 % $1::integer) * interval '1 second'
       FROM (SELECT id, row_number() OVER () AS n FROM products LIMIT $1) p`,
    [REVIEWS, product],
  );
  await database.pool.query('UPDATE review_vote_counts SET helpful_count = floor(10 * random()^4)');
  await database.pool.query('VACUUM ANALYZE products, reviews, review_vote_counts');
}, 120_000);
afterAll(() => database.drop());

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What runs a list's page, and how many rows of tables it reads. */
async function explain(
  list: KeysetList,
  at: 'start' | 'middle',
  backward: boolean,
  parents: Parents | null = null,
): Promise<{ nodes: string[]; indexes: string[]; rowsRead: number }> {
  const cursor = at === 'start' ? null : position;
  const page = { size: PAGE_SIZE, backward, after: backward ? null : cursor, before: backward ? cursor : null };
  const selection = { columns: ['id'], positions: true, bounds: true };
  const { text, values } = keysetQuery(list, selection, page, parents);
  const { rows } = await database.pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
    values,
  );
  const nodes = flatten(rows[0]!['QUERY PLAN'][0].Plan).filter((node) => node['Actual Loops'] > 0);
  // The page and its bounds are read once, not for each row.
  for (const node of nodes) if (node['Node Type'] === 'Limit') expect(node['Actual Loops']).toBe(1);
  const scans = nodes.filter(
    (node) => node['Node Type'].includes('Scan') && !node['Node Type'].startsWith('Bitmap Index'),
  );
  return {
    nodes: nodes.map((node) => node['Node Type']),
    indexes: nodes.flatMap((node) => node['Index Name'] ?? []),
    rowsRead: scans.reduce(
      (sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
      0,
    ),
  };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

/** The position in the middle of a list. */
async function middleOf({ table, condition, order }: KeysetList): Promise<void> {
  const from = `FROM ${table} ${order.beside?.join ?? ''} WHERE ${condition.text}`;
  const { rows } = await database.pool.query<{ value: string; id: string }>(
    `SELECT ${KEY_TYPES[order.type].toText(order.column)} AS value, id ${from}
      ORDER BY ${order.column}, id OFFSET (SELECT count(*) / 2 ${from}) LIMIT 1`,
    [...condition.values],
  );
  position = rows[0]!;
}

const DIRECTIONS = [OrderDirection.ASC, OrderDirection.DESC];

/** A page, a row that tells whether the list goes on, and what each bound looks at; with filters some that do not fit. */
const MOST_ROWS_READ = 20 * PAGE_SIZE;

function products(field: ProductOrderField, direction: OrderDirection, filter: ProductFilter | null): KeysetList {
  return {
    kind: 'product',
    table: 'products',
    order: PRODUCT_ORDERS[field],
    direction,
    filter: filterDigest(filter),
    condition: productCondition(filter, { field, direction }),
  };
}

describe.each<[ProductOrderField, ProductFilter | null, string]>([
  [ProductOrderField.CREATED_AT, null, 'products_created_at_id_idx'],
  [ProductOrderField.NAME, null, 'products_name_key_id_idx'],
  [ProductOrderField.CREATED_AT, { currencyCode: 'EUR' }, 'products_created_at_id_idx'],
  [ProductOrderField.NAME, { currencyCode: 'EUR' }, 'products_name_key_id_idx'],
  [ProductOrderField.PRICE, { currencyCode: 'EUR' }, 'products_price_idx'],
  [ProductOrderField.PRICE, { currencyCode: 'EUR', price: { gte: '100', lte: '900' } }, 'products_price_idx'],
  [ProductOrderField.CREATED_AT, { search: 'everywhere' }, 'products_created_at_id_idx'],
  [ProductOrderField.NAME, { search: 'everywhere' }, 'products_name_key_id_idx'],
  [ProductOrderField.PRICE, { search: 'everywhere', currencyCode: 'EUR' }, 'products_price_idx'],
])('products by %s with %j', (field, filter, index) => {
  test.each(DIRECTIONS)('%s: a page is read from its index, at the start and deep in the list', async (direction) => {
    const list = products(field, direction, filter);
    expect(list.condition.isIndexed).toBe(filter === null);
    await middleOf(list);
    for (const at of ['start', 'middle'] as const) {
      for (const backward of [false, true]) {
        const { nodes, indexes, rowsRead } = await explain(list, at, backward);
        expect(indexes).toContain(index);
        expect(nodes).not.toContain('Seq Scan');
        expect(rowsRead).toBeLessThan(MOST_ROWS_READ);
      }
    }
  });
});

test.each(Object.values(ProductOrderField))('by %s, a word that no product has reads none of them', async (field) => {
  const list = products(field, OrderDirection.ASC, { search: 'nowhere', currencyCode: 'EUR' });
  const { nodes, indexes, rowsRead } = await explain(list, 'start', false);
  expect([indexes, rowsRead]).toEqual([['products_search_idx'], 0]);
  expect(nodes).not.toContain('Seq Scan');
});

test('a search that can find nothing reads nothing', async () => {
  const list = products(ProductOrderField.NAME, OrderDirection.ASC, { search: '-everywhere' });
  expect(await explain(list, 'start', false)).toMatchObject({ indexes: [], rowsRead: 0 });
});

function reviews(field: ReviewOrderField, direction: OrderDirection, filter: ReviewFilter | null): KeysetList {
  return {
    kind: 'review',
    table: 'reviews',
    order: REVIEW_ORDERS[field],
    direction,
    filter: filterDigest(filter),
    condition: reviewCondition(filter, null),
  };
}

const INDEXES = {
  CREATED_AT: { ofAll: 'reviews_created_at_id_idx', ofProduct: 'reviews_product_id_created_at_id_idx' },
  RATING: { ofAll: 'reviews_rating_id_idx', ofProduct: 'reviews_product_id_rating_id_idx' },
  HELPFUL_COUNT: { ofAll: 'review_vote_counts_idx', ofProduct: 'review_vote_counts_product_idx' },
};

describe.each<[ReviewOrderField, ReviewFilter | null]>([
  [ReviewOrderField.CREATED_AT, null],
  [ReviewOrderField.RATING, null],
  [ReviewOrderField.HELPFUL_COUNT, null],
  [ReviewOrderField.CREATED_AT, { ratings: [1, 5] }],
  [ReviewOrderField.CREATED_AT, { hasBody: true }],
  [ReviewOrderField.RATING, { hasBody: true }],
  [ReviewOrderField.CREATED_AT, { createdAt: { gte: new Date('2026-01-01T01:00:00Z') } }],
])('reviews by %s with %j', (field, filter) => {
  test.each(DIRECTIONS)('%s: a page of all and of one product is read from its index', async (direction) => {
    for (const [ofProduct, index] of [
      [false, INDEXES[field].ofAll],
      [true, INDEXES[field].ofProduct],
    ] as const) {
      const list = reviews(field, direction, filter);
      const { text } = list.condition;
      await middleOf(
        ofProduct ? { ...list, condition: { ...list.condition, text: `product_id = '${product}' AND ${text}` } } : list,
      );
      for (const at of ['start', 'middle'] as const) {
        for (const backward of [false, true]) {
          const { nodes, indexes, rowsRead } = ofProduct
            ? await explain(list, at, backward, { column: 'product_id', ids: [product] })
            : await explain(list, at, backward);
          expect(indexes).toContain(index);
          expect(nodes).not.toContain('Seq Scan');
          expect(rowsRead).toBeLessThan(MOST_ROWS_READ);
        }
      }
    }
  });
});
