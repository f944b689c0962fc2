import type { ApolloServerPlugin, GraphQLRequestListener } from '@apollo/server';
import { OperationTypeNode } from 'graphql';
import type { RequestContext } from './context.js';
import type { KnownOperations } from './known-operations.js';
import type { OperationSteps } from './operation-steps.js';

/**
 * The steps of an operation that Apollo Server leads, as one plugin with one listener: every further plugin costs promises
 * at each hook of each request.
 * @param known remembers what may be answered without Apollo Server the next time; null where nothing is to be
 */
export function operationPlugin(
  steps: OperationSteps,
  known: KnownOperations | null,
): ApolloServerPlugin<RequestContext> {
  const listener: GraphQLRequestListener<RequestContext> = {
    didResolveOperation: async ({ document, operation, request, contextValue }) => {
      // Apollo Server reports an operation that the document does not have.
      if (operation !== undefined) steps.begin({ document, operation }, request.variables ?? {}, contextValue);
    },
    responseForOperation: async ({ document, operation, queryHash, source, request, contextValue }) => {
      if (operation === undefined || queryHash === undefined || source === undefined) return null;
      const resolved = { document, operation, queryHash };
      const response = await steps.answer(resolved, request.variables ?? {}, contextValue);
      const isMutation = operation.operation === OperationTypeNode.MUTATION;
      if (response !== null || isMutation) known?.remember(source, request.operationName, resolved);
      return response;
    },
    willSendResponse: async ({ response, contextValue }) => steps.finish(response, contextValue),
  };
  return { requestDidStart: async () => listener };
}
