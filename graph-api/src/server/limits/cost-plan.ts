import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { FIELD_COST, INTROSPECTION_COST, LIST_COST, MUTATION_COST, PLAIN_LIST_SIZE } from '../../graphql/field-cost.js';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../pagination/page-arguments.js';

export type Variables = Readonly<Record<string, unknown>>;

/** A number, where a variable decides of the variables. */
type Size = number | ((variables: Variables) => number);

const sizeIn = (size: Size, variables: Variables): number => (typeof size === 'number' ? size : size(variables));

interface PlanParts {
  /** The field; undefined for an operation, and for one of an interface's types. */
  readonly node?: FieldNode;
  /** What it costs once, however many it holds. */
  readonly once?: number;
  /** How many objects or values it can hold. */
  readonly times?: Size;
  /** What each of them costs without its fields. */
  readonly each?: number;
  readonly fields: readonly CostPlan[];
  /** Whether the fields exclude one another, so that the most expensive counts. */
  readonly exclusive?: boolean;
}

/** A field of an operation, or the operation itself, with all that is below it. */
export class CostPlan {
  readonly node: FieldNode | undefined;
  readonly fields: readonly CostPlan[];
  private readonly once: number;
  private readonly times: Size;
  private readonly exclusive: boolean;
  /** What the fields cost whatever the variables; the rest is in `open`. */
  private readonly fixed: number;
  private readonly open: readonly CostPlan[];

  constructor({ node, once = 0, times = 1, each = 0, fields, exclusive = false }: PlanParts) {
    this.node = node;
    this.fields = fields;
    this.once = once;
    this.times = times;
    this.exclusive = exclusive;
    const isDecided = !exclusive || fields.every((field) => field.isFixed);
    this.open = isDecided ? fields.filter((field) => !field.isFixed) : fields;
    this.fixed = each + this.combined(isDecided ? fields.filter((field) => field.isFixed) : [], {});
  }

  private get isFixed(): boolean {
    return typeof this.times === 'number' && this.open.length === 0;
  }

  /** Whether it is a list, or something else that costs by itself. */
  get isList(): boolean {
    return this.once > 0;
  }

  /** What the field costs in one object above it. */
  cost(variables: Variables): number {
    const below = this.open.length === 0 ? this.fixed : this.fixed + this.combined(this.open, variables);
    return this.once + this.timesIn(variables) * below;
  }

  timesIn(variables: Variables): number {
    return sizeIn(this.times, variables);
  }

  private combined(fields: readonly CostPlan[], variables: Variables): number {
    let combined = 0;
    for (const field of fields) {
      const cost = field.cost(variables);
      combined = this.exclusive ? Math.max(combined, cost) : combined + cost;
    }
    return combined;
  }
}

/**
 * The plan by which a valid operation's cost is computed. Fields are merged as GraphQL executes them: what is asked for
 * several times under one name counts once, and of an interface the type counts whose fields cost most.
 */
export function costPlan(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): CostPlan {
  return new Planner(schema, document, operation).plan();
}

class Planner {
  private readonly fragments = new Map<string, FragmentDefinitionNode>();

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly operation: OperationDefinitionNode,
  ) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    }
  }

  plan(): CostPlan {
    const root = this.schema.getRootType(this.operation.operation)!;
    return new CostPlan({ fields: this.fieldsOf([this.operation.selectionSet], root, 1) });
  }

  /** @param page the size of the page where the type is a connection */
  private fieldsOf(selectionSets: readonly SelectionSetNode[], type: GraphQLObjectType, page: Size): CostPlan[] {
    const merged = new Map<string, FieldNode[]>();
    for (const selectionSet of selectionSets) this.collect(selectionSet, type, merged);
    return [...merged.values()].map((nodes) => this.field(nodes, type, page));
  }

  private collect(selectionSet: SelectionSetNode, type: GraphQLObjectType, into: Map<string, FieldNode[]>): void {
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const nodes = into.get(key);
        if (nodes === undefined) into.set(key, [selection]);
        else nodes.push(selection);
      } else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments.get(selection.name.value)!;
        const condition = fragment.typeCondition?.name.value;
        if (this.applies(condition, type)) this.collect(fragment.selectionSet, type, into);
      }
    }
  }

  private applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const conditionType = this.schema.getType(condition);
    return isAbstractType(conditionType) && this.schema.isSubType(conditionType, type);
  }

  private field(nodes: readonly FieldNode[], parent: GraphQLObjectType, page: Size): CostPlan {
    const [node] = nodes as [FieldNode];
    const name = node.name.value;
    if (name === '__schema' || name === '__type') return new CostPlan({ node, once: INTROSPECTION_COST, fields: [] });
    const field = parent.getFields()[name];
    if (field === undefined) return new CostPlan({ node, each: FIELD_COST, fields: [] }); // __typename

    const type = getNamedType(field.type);
    const isPage = isConnection(type);
    const isLength = isConnection(parent) && name === 'totalCount';
    const parts =
      parent === this.schema.getMutationType()
        ? { node, once: MUTATION_COST }
        : isPage || isLength
          ? { node, once: LIST_COST }
          : { node, ...this.sizeOf(node, field, parent, page), each: eachCost(field) };
    if (!isCompositeType(type)) return new CostPlan({ ...parts, fields: [] });

    const selectionSets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const pageBelow = isPage ? this.pageSize(node) : 1;
    if (isObjectType(type)) return new CostPlan({ ...parts, fields: this.fieldsOf(selectionSets, type, pageBelow) });
    const types = this.schema
      .getPossibleTypes(type)
      .map((one) => new CostPlan({ fields: this.fieldsOf(selectionSets, one, 1) }));
    return new CostPlan({ ...parts, fields: types, exclusive: true });
  }

  private sizeOf(
    node: FieldNode,
    field: GraphQLField<unknown, unknown>,
    parent: GraphQLObjectType,
    page: Size,
  ): { readonly once: number; readonly times: Size } {
    if (!isListType(getNullableType(field.type))) return { once: 0, times: 1 };
    if (isConnection(parent)) return { once: 0, times: page };
    const listed = field.args.find(({ type }) => isListType(getNullableType(type)));
    if (listed === undefined) return { once: 0, times: PLAIN_LIST_SIZE };
    const count = (items: unknown): number => (Array.isArray(items) ? items.length : 1);
    return { once: LIST_COST, times: this.value(argument(node, listed.name), count) };
  }

  /** The size of the page that a connection field asks for; its resolver refuses a bad one before it reads anything. */
  private pageSize(node: FieldNode): Size {
    const sizes = ['first', 'last'].map((name) =>
      this.value(argument(node, name), (size) =>
        typeof size === 'number' && size >= 0 ? Math.min(size, MAX_PAGE_SIZE) : NaN,
      ),
    );
    const size = (variables: Variables): number => {
      const asked = sizes.map((one) => sizeIn(one, variables)).find((one) => !Number.isNaN(one));
      return asked ?? DEFAULT_PAGE_SIZE;
    };
    return sizes.every((one) => typeof one === 'number') ? size({}) : size;
  }

  /** What a value says about a size: now where it is a constant, later where it is a variable. */
  private value(value: ValueNode | undefined, toSize: (value: unknown) => number): Size {
    if (value?.kind !== Kind.VARIABLE) return toSize(constant(value));
    const name = value.name.value;
    const definition = this.operation.variableDefinitions?.find(({ variable }) => variable.name.value === name);
    const fallback = constant(definition?.defaultValue);
    return (variables) => toSize(variables[name] === undefined ? fallback : variables[name]);
  }
}

const eachCost = ({ extensions }: GraphQLField<unknown, unknown>): number =>
  Number(extensions['complexity'] ?? FIELD_COST);

const isConnection = ({ name }: { readonly name: string }): boolean => name.endsWith('Connection');

const argument = ({ arguments: given = [] }: FieldNode, name: string): ValueNode | undefined =>
  given.find((one) => one.name.value === name)?.value;

/** A number of a query text, or a list of as many values as it has; null for everything else. */
function constant(value: ValueNode | undefined): number | readonly unknown[] | null {
  if (value?.kind === Kind.INT) return Number(value.value);
  return value?.kind === Kind.LIST ? value.values : null;
}
