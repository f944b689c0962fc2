import type { GraphQLResponse } from '@apollo/server';
import type { Logger } from '@exact-ratings/shared/runtime/logger.js';
import type { DocumentNode, ExecutionArgs, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { requestedFields } from '../graphql/requested-fields.js';
import { buildReadAheadSchema } from './build-schema.js';
import { CompiledExecutor } from './compiled-executor.js';
import type { RequestContext } from './context.js';
import type { createErrorFormatter } from './error-formatter.js';
import { finishAnswer } from './error-reporting.js';
import type { Limits } from './limits/limits-config.js';
import { OperationCostLimit } from './limits/operation-cost.js';
import { executeMutation } from './mutation-executor.js';

export interface OperationOptions {
  readonly limits: Limits;
  /** How often a query comes before it is compiled; 0 never. */
  readonly compileAfter: number;
  readonly logger: Logger;
  /** How graphql-js executes. */
  readonly executionOptions: NonNullable<ExecutionArgs['options']>;
  readonly formatError: ReturnType<typeof createErrorFormatter>;
}

/** A valid operation of a document. */
export interface ResolvedOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** Tells texts apart, as Apollo Server computes it. */
  readonly queryHash: string;
}

export type Variables = Readonly<Record<string, unknown>>;

/** What we do in the course of an operation, whether Apollo Server leads it or it is known already. */
export class OperationSteps {
  private readonly costLimit: OperationCostLimit;
  private readonly executor: CompiledExecutor;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly options: OperationOptions,
  ) {
    this.costLimit = new OperationCostLimit(schema, options.limits.maxCost);
    this.executor = new CompiledExecutor(buildReadAheadSchema(), options.compileAfter);
  }

  /**
   * Before anything is read for the operation.
   * @throws GraphQLError where it may not be executed
   */
  begin(
    { document, operation }: Omit<ResolvedOperation, 'queryHash'>,
    variables: Variables,
    context: RequestContext,
  ): void {
    const { cost, mutations } = this.costLimit.check(document, operation, variables);
    context.limits?.spend({ cost: cost.requested, mutations });
    context.setCost(cost);
    context.setRequestedFields(requestedFields(this.schema, document, operation));
  }

  /** The answer of a compiled query without errors; null where graphql-js is to execute the operation. */
  answer(
    resolved: ResolvedOperation,
    variables: Variables,
    contextValue: RequestContext,
  ): Promise<GraphQLResponse | null> {
    return this.executor.execute({ ...resolved, variables, contextValue });
  }

  /** The answer of a mutation; null where it was not begun, since a variable is not usable. */
  mutate(
    { document, operation }: ResolvedOperation,
    variables: Variables,
    contextValue: RequestContext,
  ): Promise<GraphQLResponse | null> {
    const { executionOptions, formatError } = this.options;
    const operationName = operation.name?.value ?? null;
    return executeMutation(
      { schema: this.schema, executionOptions, formatError },
      { document, operationName, variables, contextValue },
    );
  }

  /** Before the answer is sent, whoever made it. */
  finish(response: GraphQLResponse, context: RequestContext): void {
    finishAnswer(response, context, this.options.logger, this.options.limits.maxResponseBytes);
  }
}
