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
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../pagination/page-arguments.js';

type Variables = Readonly<Record<string, unknown>>;

/** A number of objects; of the variables where a page's size is one. */
type Cost = number | ((variables: Variables) => number);

/**
 * Refuses operations whose answer could hold more objects than `maxNodes`. Depth alone does not bound it: three nested
 * pages of 100 are a million objects. A document that Apollo Server remembers is walked once.
 */
export class OperationCostLimit {
  private readonly costs = new WeakMap<OperationDefinitionNode, Cost>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly maxNodes: number,
  ) {}

  /** @throws GRAPHQL_VALIDATION_FAILED where a valid operation is too large */
  check(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): void {
    let cost = this.costs.get(operation);
    if (cost === undefined) {
      cost = operationCost(this.schema, document, operation);
      this.costs.set(operation, cost);
    }
    const nodes = evaluate(cost, variables);
    if (nodes <= this.maxNodes) return;
    throw new GraphQLError(
      `The answer could hold ${nodes.toLocaleString('en')} objects, more than the ${this.maxNodes.toLocaleString('en')} ` +
        `allowed (a long text counts as ${LONG_TEXT_COST}): ask for smaller pages, fewer levels or fewer texts.`,
      { extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } } },
    );
  }
}

function evaluate(cost: Cost, variables: Variables): number {
  return typeof cost === 'number' ? cost : cost(variables);
}

function combine(a: Cost, b: Cost, operator: (a: number, b: number) => number): Cost {
  if (typeof a === 'number' && typeof b === 'number') return operator(a, b);
  return (variables) => operator(evaluate(a, variables), evaluate(b, variables));
}

const sum = (a: Cost, b: Cost): Cost => combine(a, b, (x, y) => x + y);
const product = (a: Cost, b: Cost): Cost => combine(a, b, (x, y) => x * y);

/** The most objects that the answer of a valid operation can hold, whatever the lists hold; long texts count as several. */
function operationCost(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Cost {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }

  const variable = (variables: Variables, name: string): unknown => {
    if (variables[name] !== undefined) return variables[name];
    const definition = operation.variableDefinitions?.find((one) => one.variable.name.value === name)?.defaultValue;
    return definition?.kind === Kind.INT ? Number(definition.value) : undefined;
  };
  /** The size of the page that a connection field asks for; its resolver refuses a bad one before it reads anything. */
  const pageSize = ({ arguments: given = [] }: FieldNode): Cost => {
    const sizes = given.filter(({ name }) => name.value === 'first' || name.value === 'last').map(({ value }) => value);
    const size = (variables: Variables): number => {
      for (const value of sizes) {
        const asked =
          value.kind === Kind.VARIABLE
            ? variable(variables, value.name.value)
            : 'value' in value
              ? Number(value.value)
              : null;
        if (typeof asked === 'number' && asked >= 0) return Math.min(asked, MAX_PAGE_SIZE);
      }
      return DEFAULT_PAGE_SIZE;
    };
    return sizes.some(({ kind }) => kind === Kind.VARIABLE) ? size : size({});
  };

  /** Objects below one object of this type; `page` is the size of the page where the type is a connection. */
  const below = (selections: SelectionSetNode, type: GraphQLNamedType | undefined, page: Cost): Cost => {
    let nodes: Cost = 0;
    for (const selection of selections.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition;
        nodes = sum(
          nodes,
          below(selection.selectionSet, condition ? schema.getType(condition.name.value) : type, page),
        );
      } else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value)!;
        nodes = sum(nodes, below(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value), page));
      } else if (isObjectType(type) || isInterfaceType(type)) {
        const field = type.getFields()[selection.name.value];
        const child = field === undefined ? undefined : getNamedType(field.type);
        if (!isCompositeType(child) || selection.selectionSet === undefined) {
          nodes = sum(nodes, Number(field?.extensions['complexity'] ?? 0));
          continue;
        }
        const times = type.name.endsWith('Connection') && child.name !== 'PageInfo' ? page : 1;
        nodes = sum(nodes, product(times, sum(1, below(selection.selectionSet, child, pageSize(selection)))));
      }
    }
    return nodes;
  };
  return below(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined, DEFAULT_PAGE_SIZE);
}
