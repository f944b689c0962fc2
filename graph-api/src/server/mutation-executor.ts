import { HeaderMap, type GraphQLResponse } from '@apollo/server';
import { execute, type DocumentNode, type ExecutionArgs, type GraphQLSchema } from 'graphql';
import type { createErrorFormatter } from './error-formatter.js';

export interface MutationExecutorOptions {
  readonly schema: GraphQLSchema;
  readonly executionOptions: NonNullable<ExecutionArgs['options']>;
  readonly formatError: ReturnType<typeof createErrorFormatter>;
}

/** A valid mutation with its variables. */
export interface Mutation {
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly contextValue: object;
}

/**
 * Executes a mutation with graphql-js, once. Its errors are formatted here: Apollo Server has no way to format those of what was
 * executed elsewhere.
 * @returns null where a variable is not usable, before anything was executed
 */
export async function executeMutation(
  { schema, executionOptions: options, formatError }: MutationExecutorOptions,
  { document, operationName, variables: variableValues, contextValue }: Mutation,
): Promise<GraphQLResponse | null> {
  const result = await execute({ schema, document, operationName, variableValues, contextValue, options });
  if (result.data === undefined) return null;
  const { errors, data } = result;
  const formatted = errors?.map((error) => formatError(error.toJSON(), error));
  return {
    http: { headers: new HeaderMap() },
    body: { kind: 'single', singleResult: { ...(formatted === undefined ? {} : { errors: formatted }), data } },
  };
}
