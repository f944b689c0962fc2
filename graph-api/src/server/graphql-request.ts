import type { FastifyRequest } from 'fastify';
import type { DocumentName } from './trusted-documents/trusted-documents.js';

/** A request as GraphQL over HTTP has it. */
export interface RawGraphQLRequest {
  readonly query?: unknown;
  readonly documentId?: unknown;
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

/**
 * The id by which the request names its document instead of sending the text: `documentId`, as GraphQL over HTTP has it, or the hash of
 * Apollo's persisted queries. Undefined where it has a text, or nothing that is an id.
 */
export function documentNameOf(raw: unknown): DocumentName | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { query, documentId, extensions }: RawGraphQLRequest = raw;
  if (query !== undefined) return undefined;
  if (typeof documentId === 'string') return { id: documentId, isPersistedQuery: false };
  const id = persistedQueryOf(extensions)?.sha256Hash;
  return typeof id === 'string' ? { id, isPersistedQuery: true } : undefined;
}

function persistedQueryOf(extensions: unknown): { readonly sha256Hash?: unknown } | undefined {
  if (typeof extensions !== 'object' || extensions === null) return undefined;
  const { persistedQuery } = extensions as { readonly persistedQuery?: unknown };
  return typeof persistedQuery === 'object' && persistedQuery !== null ? persistedQuery : undefined;
}

/**
 * Puts the text of its document into the request, in the place of its name: from here on it is a request like any other. A hash that
 * comes with its text is taken away as well: the text counts.
 */
export function setDocument(request: FastifyRequest, text: string): void {
  const parameters = (request.method === 'GET' ? request.query : request.body) as Record<string, unknown>;
  parameters['query'] = text;
  delete parameters['documentId'];
  delete parameters['extensions'];
  // Apollo Server reads the address.
  if (request.method === 'GET') {
    request.raw.url = `/graphql?${new URLSearchParams(parameters as Record<string, string>).toString()}`;
  }
}

/** Whether the request brings a text with the hash that Apollo's clients want to have remembered. */
export function hasTextAndHash(raw: RawGraphQLRequest): boolean {
  return raw.query !== undefined && persistedQueryOf(raw.extensions) !== undefined;
}

/** What is wrong with the request's shape, for the caller; undefined where nothing is. */
export function shapeProblem(raw: unknown): string | undefined {
  if (Array.isArray(raw)) return 'Send one operation per request: batches are not supported.';
  if (typeof raw !== 'object' || raw === null) return 'The request must be a JSON object with a "query".';
  const { query, variables, extensions, operationName }: RawGraphQLRequest = raw;
  if (typeof query !== 'string' || query === '')
    return '"query" must be the text of an operation, or "documentId" its id.';
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
