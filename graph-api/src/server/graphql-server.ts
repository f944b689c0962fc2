import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import { ApolloArmor } from '@escape.tech/graphql-armor';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { QueryLimits } from '../config.js';
import type { RequestContext } from '../context.js';
import { buildGraphQLSchema } from '../schema/build-schema.js';
import { createErrorFormatter } from './format-error.js';
import { nodeLimit } from './node-limit.js';

export interface GraphQLServerOptions {
  readonly limits: QueryLimits;
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
  const { maxDepth, maxAliases, maxDirectives, maxTokens, maxSelections, maxNodes } = options.limits;
  const schema = buildGraphQLSchema();
  const armor = new ApolloArmor({
    maxDepth: { n: maxDepth, flattenFragments: true },
    maxAliases: { n: maxAliases },
    maxDirectives: { n: maxDirectives },
    maxTokens: { enabled: false },
    costLimit: { enabled: false },
    blockFieldSuggestion: { enabled: false },
  }).protect();
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection: options.introspection,
    hideSchemaDetailsFromClientErrors: options.hideSchemaDetails,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    csrfPrevention: true,
    maxRecursiveSelections: maxSelections,
    parseOptions: { maxLexicalTokens: maxTokens },
    validationRules: [...armor.validationRules],
    stopOnTerminationSignals: false,
    formatError: createErrorFormatter(options.logger, options.hideSchemaDetails),
    logger: options.logger.child({ part: 'apollo' }, { level: 'warn' }),
    plugins: [
      // No cache hints are used; the plugin costs 15 to 20 % of the throughput.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      nodeLimit(schema, maxNodes),
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
