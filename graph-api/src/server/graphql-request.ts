import type { FastifyRequest } from 'fastify';

/** A request as GraphQL over HTTP has it. */
export interface RawGraphQLRequest {
  readonly query?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
  readonly operationName?: unknown;
}

/** The parameters of the operation: from the body of a POST, or from the address of a GET, where objects are JSON texts. */
export function rawRequestOf(request: FastifyRequest): unknown {
  if (request.method !== 'GET') return request.body;
  const { variables, extensions, ...others } = request.query as RawGraphQLRequest;
  return { ...others, variables: parsed(variables), extensions: parsed(extensions) };
}

/** What the JSON text holds; anything else as it is, for `shapeProblem` to refuse. */
function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether the request names its operation by a hash alone, as automatic persisted queries do. Such clients know the refusal. */
export function isPersistedQuery(raw: unknown): boolean {
  if (typeof raw !== 'object' || raw === null) return false;
  const { query, extensions }: RawGraphQLRequest = raw;
  return query === undefined && typeof extensions === 'object' && extensions !== null && 'persistedQuery' in extensions;
}

/** What is wrong with the request's shape, for the caller; undefined where nothing is. */
export function shapeProblem(raw: unknown): string | undefined {
  if (Array.isArray(raw)) return 'Send one operation per request: batches are not supported.';
  if (typeof raw !== 'object' || raw === null) return 'The request must be a JSON object with a "query".';
  const { query, variables, extensions, operationName }: RawGraphQLRequest = raw;
  if (typeof query !== 'string' || query === '') return '"query" must be the text of an operation.';
  if (!isObjectOrAbsent(variables)) return '"variables" must be an object.';
  if (!isObjectOrAbsent(extensions)) return '"extensions" must be an object.';
  if (operationName != null && typeof operationName !== 'string') return '"operationName" must be a text.';
  return undefined;
}

function isObjectOrAbsent(value: unknown): boolean {
  return value == null || (typeof value === 'object' && !Array.isArray(value));
}

const PREFLIGHT_HEADERS = ['apollo-require-preflight', 'x-apollo-operation-name'];
const JSON_TYPES = /(?:^|[\s,])application\/(?:json|graphql-response\+json|graphql\+json)(?=$|[\s,;])/i;

/**
 * Whether a page of another site could have made a browser send this GET by a link, an image or a form. Such requests accept
 * anything, or pages and images; GraphQL clients name JSON. (A script can name JSON too, and gets nothing by it: no cookie
 * authenticates here, and it may not read the answer.) POST is guarded by its content type.
 */
export function couldBeForged(request: FastifyRequest): boolean {
  if (request.method !== 'GET') return false;
  if (PREFLIGHT_HEADERS.some((name) => (request.headers[name] ?? '') !== '')) return false;
  return !JSON_TYPES.test(request.headers.accept ?? '');
}
