import { type GraphQLResponse, type HTTPGraphQLResponse } from '@apollo/server';
import type { FastifyRequest } from 'fastify';
import { OperationTypeNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { RequestContext } from './context.js';
import type { RawGraphQLRequest } from './graphql-request.js';
import { isRateLimited } from '../graphql/errors.js';
import type { OperationSteps, ResolvedOperation, Variables } from './operation-steps.js';

/** Some megabytes of texts at most. */
const MAX_KNOWN = 500;
const MAX_TEXT_LENGTH = 4_096;
const MAX_ACCEPT_HEADERS = 100;
const MAX_ACCEPT_LENGTH = 256;

interface KnownOperation extends ResolvedOperation {
  /** As it was asked for. */
  readonly operationName: string | undefined;
}

/**
 * Operations by their text, answered without Apollo Server's hash of the text, its stores and its hooks: compiled queries, and
 * mutations. Where anything is unusual in the request, or goes wrong before a mutation begins or in a query, Apollo Server
 * answers.
 */
export class KnownOperations {
  private readonly operations = new LRUCache<string, KnownOperation>({ max: MAX_KNOWN });
  /** The content type that Apollo Server chose for an Accept header. */
  private readonly contentTypes = new LRUCache<string, string>({ max: MAX_ACCEPT_HEADERS });

  constructor(private readonly steps: OperationSteps) {}

  /** To be called under Apollo Server, once it has found the operation valid. */
  remember(text: string, operationName: string | undefined, resolved: ResolvedOperation): void {
    if (text.length <= MAX_TEXT_LENGTH) this.operations.set(text, { ...resolved, operationName });
  }

  /** To be called with the content type of an answer of Apollo Server that has no errors. */
  rememberContentType(accept: string | undefined, contentType: string): void {
    if (accept === undefined || accept.length <= MAX_ACCEPT_LENGTH) this.contentTypes.set(accept ?? '', contentType);
  }

  /** The answer; null where Apollo Server is to give it. */
  async answer(request: FastifyRequest, context: RequestContext): Promise<HTTPGraphQLResponse | null> {
    if (request.method !== 'POST') return null;
    const contentType = this.contentTypes.get(request.headers.accept ?? '');
    if (contentType === undefined) return null;
    // The route has checked its shape.
    const { query, operationName, variables, extensions } = request.body as RawGraphQLRequest;
    const known = extensions == null ? this.operations.get(query as string) : undefined;
    if (known === undefined || known.operationName !== (operationName ?? undefined)) return null;
    const values = (variables ?? {}) as Variables;
    try {
      this.steps.begin(known, values, context);
    } catch (error) {
      if (isRateLimited(error)) throw error;
      return null;
    }
    const response = await this.execute(known, values, context);
    if (response?.body.kind !== 'single') return null;
    response.http.headers.set('content-type', contentType);
    return { ...response.http, body: { kind: 'complete', string: JSON.stringify(response.body.singleResult) } };
  }

  private async execute(
    known: KnownOperation,
    values: Variables,
    context: RequestContext,
  ): Promise<GraphQLResponse | null> {
    const isMutation = known.operation.operation === OperationTypeNode.MUTATION;
    const response = isMutation
      ? await this.steps.mutate(known, values, context)
      : await this.steps.answer(known, values, context);
    if (response === null) return null;
    this.steps.finish(response, context);
    // The size of a query's answer may be an error: one source for all that can be asked for again.
    return isMutation || response.http.status === undefined ? response : null;
  }
}
