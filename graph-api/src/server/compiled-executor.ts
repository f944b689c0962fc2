import { HeaderMap, type GraphQLResponse } from '@apollo/server';
import {
  getOperationAST,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import { conditionsOf } from './conditions.js';

/** Fields of all compiled operations that are kept: 3.5 KB of memory each, so some 35 MB at worst. */
const MAX_COMPILED_SELECTIONS = 10_000;
/** Operations whose times are counted: texts that never come again push none of the compiled ones out. */
const MAX_COUNTED = 1_000;
/** A larger operation is interpreted: it would take long to compile, once, in front of everyone else's requests. */
const MAX_SELECTIONS = 150;

export interface CompiledOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** Tells texts apart, as Apollo Server computes it. */
  readonly queryHash: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly contextValue: object;
}

/**
 * Runs queries as compiled functions (graphql-jit), which Apollo Server's own executor interprets field by field. Parsing,
 * validation and errors stay Apollo's: a query in which anything goes wrong is answered null here, and executed again by
 * graphql-js, whose errors are the ones that callers get. Reads are remembered by the request, so the second run costs none.
 */
export class CompiledExecutor {
  private readonly counts = new LRUCache<string, { times: number }>({ max: MAX_COUNTED });
  /** False for operations that cannot be compiled. */
  private readonly compiled = new LRUCache<string, CompiledQuery | false>({
    maxSize: MAX_COMPILED_SELECTIONS,
  });

  /**
   * @param schema with plain properties for the fields that are read ahead
   * @param compileAfter how often an operation comes before it is compiled; 0 leaves all to graphql-js
   */
  constructor(
    private readonly schema: GraphQLSchema,
    private readonly compileAfter: number,
  ) {}

  /** The answer of a query without errors; null where graphql-js is to execute the operation. */
  async execute(request: CompiledOperation): Promise<GraphQLResponse | null> {
    if (this.compileAfter === 0 || request.operation.operation !== OperationTypeNode.QUERY) return null;
    const compiled = this.compiledQuery(request);
    if (compiled === false) return null;
    const result = await compiled.query(undefined, request.contextValue, request.variables);
    if (result.errors !== undefined && result.errors.length > 0) return null;
    return {
      http: { headers: new HeaderMap() },
      body: { kind: 'single', singleResult: { data: result.data ?? null } },
    };
  }

  private compiledQuery(request: CompiledOperation): CompiledQuery | false {
    const { document, operation, queryHash, variables } = request;
    // graphql-jit does not follow graphql-js in the order of fields with conditions, so it gets none.
    const conditions = conditionsOf(document, operation);
    const conditionKey = conditions.key(variables);
    if (conditionKey === null) return false;
    const key = `${queryHash} ${conditionKey} ${operation.name?.value ?? ''}`;
    const known = this.compiled.get(key);
    if (known !== undefined) return known;
    const count = this.counts.get(key) ?? { times: 0 };
    count.times += 1;
    if (count.times < this.compileAfter) {
      this.counts.set(key, count);
      return false;
    }
    this.counts.delete(key);
    const { compiled, size } = compile(this.schema, conditions.resolve(variables), operation.name?.value);
    this.compiled.set(key, compiled, { size });
    return compiled;
  }
}

function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
): { readonly compiled: CompiledQuery | false; readonly size: number } {
  const selections = countSelections(document, getOperationAST(document, operationName)!, MAX_SELECTIONS);
  if (selections > MAX_SELECTIONS) return { compiled: false, size: 1 };
  const compiled = compileQuery(schema, document, operationName ?? '');
  return { compiled: isCompiledQuery(compiled) && compiled, size: selections + 1 };
}

/** The selections of a valid operation with its fragments put in their places; ends once there are more than `max`. */
function countSelections(document: DocumentNode, operation: OperationDefinitionNode, max: number): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  let count = 0;
  const add = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (++count > max) return;
      if (selection.kind === Kind.FRAGMENT_SPREAD) add(fragments.get(selection.name.value)!.selectionSet);
      else if (selection.selectionSet !== undefined) add(selection.selectionSet);
    }
  };
  add(operation.selectionSet);
  return count;
}
