import type { ApolloServerPlugin, GraphQLRequestListener } from '@apollo/server';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { GraphQLSchema } from 'graphql';
import { requestedFields } from '../graphql/requested-fields.js';
import { buildReadAheadSchema } from './build-schema.js';
import { CompiledExecutor } from './compiled-executor.js';
import type { RequestContext } from './context.js';
import { finishAnswer } from './error-reporting.js';
import type { Limits } from './limits/limits-config.js';
import { OperationCostLimit } from './limits/operation-cost.js';

export interface OperationPluginOptions {
  readonly limits: Limits;
  /** How often a query comes before it is compiled; 0 never. */
  readonly compileAfter: number;
  readonly logger: Logger;
}

/**
 * What we do in the course of an operation, as one plugin with one listener: every further plugin costs promises at each hook of
 * each request.
 */
export function operationPlugin(
  schema: GraphQLSchema,
  { limits, compileAfter, logger }: OperationPluginOptions,
): ApolloServerPlugin<RequestContext> {
  const costLimit = new OperationCostLimit(schema, limits.maxCost);
  const executor = new CompiledExecutor(buildReadAheadSchema(), compileAfter);
  const listener: GraphQLRequestListener<RequestContext> = {
    didResolveOperation: async ({ document, operation, request, contextValue }) => {
      // Apollo Server reports an operation that the document does not have.
      if (operation === undefined) return;
      contextValue.setCost(costLimit.check(document, operation, request.variables ?? {}));
      contextValue.setRequestedFields(requestedFields(schema, document, operation));
    },
    responseForOperation: async ({ document, operation, queryHash, request, contextValue }) =>
      operation === undefined || queryHash === undefined
        ? null
        : executor.execute({
            document,
            operation,
            queryHash,
            variables: request.variables ?? {},
            contextValue,
          }),
    willSendResponse: async ({ response, contextValue }) =>
      finishAnswer(response, contextValue, logger, limits.maxResponseBytes),
  };
  return { requestDidStart: async () => listener };
}
