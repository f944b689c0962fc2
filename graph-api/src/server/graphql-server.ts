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
import type { Limits } from './limits/limits-config.js';
import { operationCostLimit } from './limits/operation-cost.js';
import { operationLimits } from './limits/operation-limits.js';

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
    hideSchemaDetailsFromClientErrors: options.hideSchemaDetails,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    csrfPrevention: true,
    ...operationLimits(options.limits),
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
  server.route({
    url: '/graphql',
    method: ['GET', 'POST'],
    handler: fastifyApolloHandler(apollo, { context: options.createContext }),
  });
  return apollo;
}
