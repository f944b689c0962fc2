import type { ApolloServerPlugin } from '@apollo/server';
import {
  getNamedType,
  GraphQLError,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { LONG_TEXT_COST } from '../../graphql/field-cost.js';
import type { RequestContext } from '../context.js';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../pagination/page-arguments.js';

/**
 * Refuses operations whose answer could hold more objects than `maxNodes`. Depth alone does not bound it: three nested
 * pages of 100 are a million objects.
 */
export function operationCostLimit(schema: GraphQLSchema, maxNodes: number): ApolloServerPlugin<RequestContext> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ document, operation, request }) => {
        if (operation === undefined) return;
        const nodes = countNodes(schema, document, operation, request.variables ?? {});
        if (nodes <= maxNodes) return;
        throw new GraphQLError(
          `The answer could hold ${nodes.toLocaleString('en')} objects, more than the ${maxNodes.toLocaleString('en')} ` +
            `allowed (a long text counts as ${LONG_TEXT_COST}): ask for smaller pages, fewer levels or fewer texts.`,
          { extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } } },
        );
      },
    }),
  };
}

/** The most objects that the answer of a valid operation can hold, whatever the lists hold; long texts count as several. */
function countNodes(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }

  const variable = (name: string): unknown => {
    if (variables[name] !== undefined) return variables[name];
    const definition = operation.variableDefinitions?.find((one) => one.variable.name.value === name)?.defaultValue;
    return definition?.kind === Kind.INT ? Number(definition.value) : undefined;
  };
  /** The size of the page that a connection field asks for; its resolver refuses a bad one before it reads anything. */
  const pageSize = ({ arguments: given }: FieldNode): number => {
    for (const { name, value } of given ?? []) {
      if (name.value !== 'first' && name.value !== 'last') continue;
      const size =
        value.kind === Kind.VARIABLE ? variable(value.name.value) : 'value' in value ? Number(value.value) : null;
      if (typeof size === 'number' && size >= 0) return Math.min(size, MAX_PAGE_SIZE);
    }
    return DEFAULT_PAGE_SIZE;
  };

  /** Objects below one object of this type; `page` is the size of the page where the type is a connection. */
  const below = (selections: SelectionSetNode, type: GraphQLNamedType | undefined, page: number): number => {
    let nodes = 0;
    for (const selection of selections.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition;
        nodes += below(selection.selectionSet, condition ? schema.getType(condition.name.value) : type, page);
      } else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value)!;
        nodes += below(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value), page);
      } else if (isObjectType(type) || isInterfaceType(type)) {
        const field = type.getFields()[selection.name.value];
        const child = field === undefined ? undefined : getNamedType(field.type);
        if (!isCompositeType(child) || selection.selectionSet === undefined) {
          nodes += Number(field?.extensions['complexity'] ?? 0);
          continue;
        }
        const times = type.name.endsWith('Connection') && child.name !== 'PageInfo' ? page : 1;
        nodes += times * (1 + below(selection.selectionSet, child, pageSize(selection)));
      }
    }
    return nodes;
  };
  return below(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined, DEFAULT_PAGE_SIZE);
}
