import { isDeepStrictEqual } from 'node:util';
import type { World } from '../environment/world.js';
import type { LoadRequest } from '../load/load-plan.js';

export type ReadVariant = 'floor' | 'api' | 'commonWay';

/** The same pages, as each variant is asked for them. */
export type PageRequests = Readonly<Record<ReadVariant, readonly LoadRequest[]>>;

const API_QUERY =
  'query Page($first: Int!, $after: String) { products(first: $first, after: $after) { nodes { id name averageRating reviewCount } } }';
const CURSORS_QUERY =
  'query Cursors($after: String) { products(first: 100, after: $after) { edges { cursor } pageInfo { endCursor } } }';
const COMMON_WAY_QUERY =
  'query Page($take: Int!, $skip: Int!) { products(take: $take, skip: $skip) { id name averageRating reviewCount } }';

/** How many pages are asked for in turn, and how far apart they begin: near the start, so that OFFSET has nothing to skip. */
const PAGES = 40;
const STEP = 7;
const MAX_PAGE_SIZE = 100;

/** A place in the list of products: the one after which a page begins. */
interface Place {
  readonly skip: number;
  readonly cursor: string;
  readonly createdAt: string;
  readonly id: string;
}

/** The places at which pages begin, as the API's cursors and as PostgreSQL's rows have them. */
export async function readPlaces(world: World, apiUrl: string): Promise<Place[]> {
  const cursors: string[] = [];
  let after: string | null = null;
  while (cursors.length < PAGES * STEP) {
    const { products } = (await graphql(apiUrl, CURSORS_QUERY, { after })) as {
      products: { edges: Array<{ cursor: string }>; pageInfo: { endCursor: string | null } };
    };
    if (products.edges.length === 0) break;
    cursors.push(...products.edges.map(({ cursor }) => cursor));
    after = products.pageInfo.endCursor;
  }
  const { rows } = await world.pool.query<{ id: string; created_at: string }>(
    'SELECT id, created_at::text FROM products ORDER BY created_at DESC, id DESC LIMIT $1',
    [PAGES * STEP + MAX_PAGE_SIZE],
  );
  return (
    Array.from({ length: PAGES }, (_, i) => i * STEP)
      // A page of any size is full.
      .filter((index) => index < rows.length - MAX_PAGE_SIZE)
      .map((index) => ({
        skip: index + 1,
        cursor: cursors[index]!,
        createdAt: rows[index]!.created_at,
        id: rows[index]!.id,
      }))
  );
}

/** The requests for pages of this size. */
export function pageRequests(places: readonly Place[], size: number): PageRequests {
  const post = (query: string, variables: Record<string, unknown>): LoadRequest => ({
    method: 'POST',
    path: '/graphql',
    body: JSON.stringify({ query, variables }),
  });
  return {
    floor: places.map(({ createdAt, id }) => ({
      method: 'GET',
      path: `/page?${new URLSearchParams({ first: String(size), createdAt, id }).toString()}`,
    })),
    api: places.map(({ cursor }) => post(API_QUERY, { first: size, after: cursor })),
    commonWay: places.map(({ skip }) => post(COMMON_WAY_QUERY, { take: size, skip })),
  };
}

/**
 * Asks every variant for every page and compares the answers.
 * @throws where one differs from the floor's, or holds another number of products
 */
export async function expectSameAnswers(
  urls: Readonly<Record<ReadVariant, string>>,
  requests: PageRequests,
  size: number,
): Promise<void> {
  for (let i = 0; i < requests.floor.length; i += 1) {
    const [floor, api, commonWay] = await Promise.all([
      ask(urls.floor, requests.floor[i]!),
      ask(urls.api, requests.api[i]!),
      ask(urls.commonWay, requests.commonWay[i]!),
    ]);
    const nodes = (floor as { products: { nodes: Array<{ reviewCount: number }> } }).products.nodes;
    if (nodes.length !== size || nodes.some(({ reviewCount }) => !(reviewCount > 0))) {
      throw new Error(`the floor's page ${i + 1} does not hold ${size} rated products: ${JSON.stringify(floor)}`);
    }
    if (!isDeepStrictEqual(api, floor)) throw differs('API', i, api, floor);
    const common = { products: { nodes: (commonWay as { products: unknown }).products } };
    if (!isDeepStrictEqual(common, floor)) throw differs('common way', i, common, floor);
  }
}

function differs(who: string, index: number, answer: unknown, floor: unknown): Error {
  return new Error(
    `page ${index + 1} of the ${who} differs from the floor's:\n${JSON.stringify(answer)}\n${JSON.stringify(floor)}`,
  );
}

async function graphql(url: string, query: string, variables: Record<string, unknown>): Promise<unknown> {
  return ask(url, { method: 'POST', path: '/graphql', body: JSON.stringify({ query, variables }) });
}

/** The `data` of one answer. @throws where there is none, or errors beside it. */
async function ask(url: string, { method, path, body }: LoadRequest): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(30_000),
  });
  const answer = (await response.json()) as { data?: unknown; errors?: unknown };
  if (answer.data == null || answer.errors !== undefined) {
    throw new Error(`${url}${path} answered ${JSON.stringify(answer).slice(0, 500)}`);
  }
  return answer.data;
}
