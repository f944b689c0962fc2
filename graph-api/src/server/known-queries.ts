import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { RequestContext } from './context.js';
import type { RawGraphQLRequest } from './graphql-request.js';
import type { OperationSteps, ResolvedOperation, Variables } from './operation-steps.js';

/** Some megabytes of texts at most. */
const MAX_KNOWN = 500;
const MAX_TEXT_LENGTH = 4_096;
const MAX_ACCEPT_HEADERS = 100;
const MAX_ACCEPT_LENGTH = 256;

interface KnownQuery extends ResolvedOperation {
  /** As it was asked for. */
  readonly operationName: string | undefined;
}

/** What is sent of the answer to a known query: status 200, without errors. */
export interface KnownAnswer {
  readonly contentType: string;
  readonly body: string;
}

/**
 * Compiled queries by their text, answered without Apollo Server's hash of the text, its stores and its hooks. Where
 * anything is unusual, in the request or in the answer, Apollo Server answers: errors and their headers have one source.
 */
export class KnownQueries {
  private readonly queries = new LRUCache<string, KnownQuery>({ max: MAX_KNOWN });
  /** The content type that Apollo Server chose for an Accept header. */
  private readonly contentTypes = new LRUCache<string, string>({ max: MAX_ACCEPT_HEADERS });

  constructor(private readonly steps: OperationSteps) {}

  /** To be called where a compiled query was answered under Apollo Server, so that its text is valid. */
  remember(text: string, operationName: string | undefined, resolved: ResolvedOperation): void {
    if (text.length <= MAX_TEXT_LENGTH) this.queries.set(text, { ...resolved, operationName });
  }

  /** To be called with the content type of an answer of Apollo Server that has no errors. */
  rememberContentType(accept: string | undefined, contentType: string): void {
    if (accept === undefined || accept.length <= MAX_ACCEPT_LENGTH) this.contentTypes.set(accept ?? '', contentType);
  }

  /** The answer, if it has no errors; null where Apollo Server is to answer. */
  async answer(request: FastifyRequest, context: RequestContext): Promise<KnownAnswer | null> {
    if (request.method !== 'POST') return null;
    const contentType = this.contentTypes.get(request.headers.accept ?? '');
    if (contentType === undefined) return null;
    // The route has checked its shape.
    const { query, operationName, variables, extensions } = request.body as RawGraphQLRequest;
    const known = extensions == null ? this.queries.get(query as string) : undefined;
    if (known === undefined || known.operationName !== (operationName ?? undefined)) return null;
    const values = (variables ?? {}) as Variables;
    try {
      this.steps.begin(known, values, context);
    } catch {
      return null;
    }
    const response = await this.steps.answer(known, values, context);
    if (response === null) return null;
    this.steps.finish(response, context);
    const { body, http } = response;
    if (body.kind !== 'single' || http.status !== undefined) return null;
    return { contentType, body: JSON.stringify(body.singleResult) };
  }
}
