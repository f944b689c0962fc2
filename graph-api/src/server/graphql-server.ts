import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RequestContext } from './context.js';
import { buildGraphQLSchema } from './build-schema.js';
import { createErrorFormatter } from './error-formatter.js';
import { errorBody } from './error-body.js';
import type { Limits } from './limits/limits-config.js';
import { operationCostLimit } from './limits/operation-cost.js';
import { QueryGate } from './limits/query-gate.js';

/** Errors after which an operation or its variables are checked no further: enough for a person, and each costs time. */
const MAX_ERRORS = 4;

export interface GraphQLServerOptions {
  readonly limits: Limits;
  readonly introspection: boolean;
  /** Keeps "Did you mean …" out of errors. */
  readonly hideSchemaDetails: boolean;
  readonly createContext: (request: FastifyRequest) => Promise<RequestContext>;
  readonly logger: Logger;
}

/** Adds `/graphql` to the HTTP server: POST, and GET for queries with a preflight header. */
export async function addGraphQL(
  server: FastifyInstance,
  options: GraphQLServerOptions,
): Promise<ApolloServer<RequestContext>> {
  const schema = buildGraphQLSchema();
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection: options.introspection,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    csrfPrevention: true,
    persistedQueries: false,
    parseOptions: { maxLexicalTokens: options.limits.maxTokens },
    validationOptions: { maxErrors: MAX_ERRORS, hideSuggestions: options.hideSchemaDetails },
    executionOptions: { maxCoercionErrors: MAX_ERRORS },
    stopOnTerminationSignals: false,
    formatError: createErrorFormatter(options.logger, options.hideSchemaDetails),
    logger: options.logger.child({ part: 'apollo' }, { level: 'warn' }),
    plugins: [
      // No cache hints are used; the plugin costs 15 to 20 % of the throughput.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      operationCostLimit(schema, options.limits.maxNodes),
    ],
  });
  await apollo.start();
  const gate = new QueryGate(options.limits);
  server.route<{ Querystring: { query?: unknown }; Body: { query?: unknown } | undefined }>({
    url: '/graphql',
    method: ['GET', 'POST'],
    preHandler: async (request, reply) => {
      const text = request.method === 'GET' ? request.query.query : request.body?.query;
      const problem = typeof text === 'string' ? gate.problemOf(text) : undefined;
      if (problem !== undefined) await reply.code(400).send(errorBody('GRAPHQL_VALIDATION_FAILED', problem));
    },
    handler: fastifyApolloHandler(apollo, { context: options.createContext }),
  });
  return apollo;
}
