import { HeaderMap, type ApolloServer, type HTTPGraphQLResponse } from '@apollo/server';
import { DeadlineError, withDeadline } from '@exact-ratings/shared/runtime/deadline.js';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import type { ErrorCode } from '../graphql/error-codes.js';
import type { RequestContext } from './context.js';
import { refuse } from './error-body.js';
import {
  couldBeForged,
  documentNameOf,
  hasTextAndHash,
  rawRequestOf,
  setDocument,
  shapeProblem,
  type RawGraphQLRequest,
} from './graphql-request.js';
import type { KnownOperations } from './known-operations.js';
import { costHeaderProblem } from './limits/cost-header.js';
import type { Limits } from './limits/limits-config.js';
import { QueryGate } from './limits/query-gate.js';
import { LoadShedding } from './load-shedding.js';
import type { CallerLimits } from './rate-limits/rate-limits.js';
import { RequestLifetime } from './request-lifetime.js';
import type { TrustedDocuments } from './trusted-documents/trusted-documents.js';

/** Makes the context of a request. */
export type CreateContext = (request: FastifyRequest, lifetime: RequestLifetime) => Promise<RequestContext>;

export interface GraphQLRouteParts {
  readonly apollo: ApolloServer<RequestContext>;
  readonly known: KnownOperations;
  readonly createContext: CreateContext;
  readonly limits: Limits;
  readonly documents: TrustedDocuments;
}

/** Adds `/graphql`: POST, and GET for queries. What is malformed or too much is refused before Apollo Server sees it. */
export function addGraphQLRoute(server: FastifyInstance, parts: GraphQLRouteParts): void {
  const { createContext, limits, documents } = parts;
  const gate = new QueryGate(limits);
  const shedding = new LoadShedding(server, limits);
  server.route({
    url: '/graphql',
    method: ['GET', 'POST'],
    onRequest: shedding.onRequest,
    onSend: shedding.onSend,
    preHandler: async (request, reply) => {
      const forgery = forgeryProblem(request);
      if (forgery !== undefined) return refuse(reply, 'BAD_REQUEST', forgery);
      try {
        const name = documentNameOf(rawRequestOf(request));
        if (name !== undefined) setDocument(request, documents.textOf(name));
        const raw = rawRequestOf(request);
        const problem = shapeProblem(raw) ?? costHeaderProblem(request.headers);
        if (problem !== undefined) return await refuse(reply, 'BAD_REQUEST', problem);
        const text = (raw as RawGraphQLRequest).query as string;
        if (hasTextAndHash(raw as RawGraphQLRequest)) setDocument(request, text);
        documents.check(text);
        gate.check(text);
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        return refuseAs(reply, error);
      }
    },
    handler: async (request, reply) => {
      const lifetime = new RequestLifetime(request.raw.socket, limits.operationTimeoutMs);
      let callerLimits: CallerLimits | null = null;
      reply.raw.once('close', () => lifetime.end());
      try {
        const context = await createContext(request, lifetime);
        callerLimits = context.limits;
        callerLimits?.check();
        const answering = answer(parts, request, context);
        const answered = await withDeadline(answering, limits.operationTimeoutMs, 'The operation did not end');
        void reply.headers(callerLimits?.headers() ?? {});
        return await send(reply, answered);
      } catch (error) {
        if (error instanceof GraphQLError) return await refuseAs(reply, error);
        if (!(error instanceof DeadlineError)) throw error;
        return await refuse(reply, 'OPERATION_TIMEOUT', `${error.message}. A mutation may have been carried out.`);
      } finally {
        callerLimits?.settle();
        lifetime.end();
      }
    },
  });
}

function forgeryProblem(request: FastifyRequest): string | undefined {
  if (!couldBeForged(request)) return undefined;
  return (
    'A web page could have forged this request: send a POST with the content type application/json, name ' +
    'application/json in the Accept header, or add the header "apollo-require-preflight: true".'
  );
}

/** The answer to a known operation, or else all that Apollo Server answers. */
async function answer(
  { known, apollo }: GraphQLRouteParts,
  request: FastifyRequest,
  context: RequestContext,
): Promise<HTTPGraphQLResponse> {
  const answered = await known.answer(request, context);
  if (answered !== null) return answered;
  const response = await execute(apollo, request, context);
  const contentType = response.headers.get('content-type');
  if (response.status === undefined && contentType !== undefined) {
    known.rememberContentType(request.headers.accept, contentType);
  }
  return response;
}

/** All that Apollo Server looks at. */
const USED_HEADERS = ['accept', 'content-type'] as const;

function execute(
  apollo: ApolloServer<RequestContext>,
  request: FastifyRequest,
  context: RequestContext,
): Promise<HTTPGraphQLResponse> {
  const headers = new HeaderMap();
  for (const name of USED_HEADERS) {
    const value = request.headers[name];
    if (value !== undefined) headers.set(name, value);
  }
  const query = request.url.indexOf('?');
  return apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: request.method,
      headers,
      search: query < 0 ? '' : request.url.slice(query),
      body: request.body,
    },
    context: () => Promise.resolve(context),
  });
}

async function send(reply: FastifyReply, { status, headers, body }: HTTPGraphQLResponse): Promise<FastifyReply> {
  for (const [name, value] of headers) void reply.header(name, value);
  void reply.code(status ?? 200);
  if (body.kind === 'complete') return reply.send(body.string);
  throw new Error('the schema has no incremental delivery');
}

/** Answers what keeps an operation from being executed: too large a text, no valid token, or a server that is not there. */
async function refuseAs(reply: FastifyReply, { message, extensions }: GraphQLError): Promise<void> {
  await refuse(reply, extensions['code'] as ErrorCode, message, undefined, extensions);
}
