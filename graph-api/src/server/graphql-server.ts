import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { FastifyInstance } from 'fastify';
import { buildGraphQLSchema } from './build-schema.js';
import type { RequestContext } from './context.js';
import { createErrorFormatter } from './error-formatter.js';
import { addGraphQLRoute, type CreateContext } from './graphql-route.js';
import type { Limits } from './limits/limits-config.js';
import { KnownOperations } from './known-operations.js';
import type { TrustedDocumentsConfig } from './trusted-documents/trusted-documents-config.js';
import { TrustedDocuments } from './trusted-documents/trusted-documents.js';
import { operationPlugin } from './operation-plugin.js';
import { OperationSteps } from './operation-steps.js';

/** Errors after which an operation or its variables are checked no further: enough for a person, and each costs time. */
const MAX_ERRORS = 4;

export interface GraphQLServerOptions {
  readonly limits: Limits;
  readonly introspection: boolean;
  /** Keeps "Did you mean …" out of errors. */
  readonly hideSchemaDetails: boolean;
  /** How often a query comes before it is compiled; 0 never. */
  readonly compileAfter: number;
  readonly trustedDocuments: TrustedDocumentsConfig;
  readonly createContext: CreateContext;
  readonly logger: Logger;
}

/** Adds `/graphql` to the HTTP server. */
export async function addGraphQL(
  server: FastifyInstance,
  options: GraphQLServerOptions,
): Promise<ApolloServer<RequestContext>> {
  const { limits, logger, hideSchemaDetails } = options;
  const schema = buildGraphQLSchema();
  const executionOptions = { maxCoercionErrors: MAX_ERRORS };
  const formatError = createErrorFormatter(hideSchemaDetails);
  const steps = new OperationSteps(schema, { ...options, executionOptions, formatError });
  const known = new KnownOperations(steps);
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection: options.introspection,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    // The route refuses what a page of another site could send, and accepts more of what clients send.
    csrfPrevention: false,
    persistedQueries: false,
    parseOptions: { maxLexicalTokens: limits.maxTokens },
    validationOptions: { maxErrors: MAX_ERRORS, hideSuggestions: hideSchemaDetails },
    executionOptions,
    stopOnTerminationSignals: false,
    formatError,
    stringifyResult: (result) => JSON.stringify(result),
    logger: logger.child({ part: 'apollo' }, { level: 'warn' }),
    plugins: [
      // No cache hints are used; the plugin costs 15 to 20 % of the throughput.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      operationPlugin(steps, options.compileAfter > 0 ? known : null),
    ],
  });
  await apollo.start();
  const documents = new TrustedDocuments(options.trustedDocuments);
  addGraphQLRoute(server, {
    apollo,
    known,
    createContext: options.createContext,
    limits,
    documents,
  });
  return apollo;
}
