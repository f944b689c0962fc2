import {
  getOperationAST,
  OperationTypeNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { queryTooComplex } from '../../graphql/errors.js';
import { conditionsOf } from '../conditions.js';
import { costPlan, type CostPlan, type Variables } from './cost-plan.js';

/** Combinations of conditions (`@include`, `@skip`) that are remembered of one operation: some 0.3 KB a field each. */
const MAX_COMBINATIONS = 4;

/** What an operation costs, and what it may cost. */
export interface OperationCost {
  readonly requested: number;
  readonly limit: number;
}

/** A checked operation. */
export interface CheckedOperation {
  readonly cost: OperationCost;
  /** How many mutations it makes. */
  readonly mutations: number;
}

/**
 * Refuses operations that cost more than `maxCost`. Depth alone does not bound an answer: three nested pages of 100 are a
 * million objects. A document that is remembered is planned once; after that a request computes only what variables decide.
 */
export class OperationCostLimit {
  private readonly plans = new WeakMap<OperationDefinitionNode, Map<string | null, CostPlan>>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly maxCost: number,
  ) {}

  /**
   * What a valid operation costs.
   * @throws QUERY_TOO_COMPLEX where it is too much
   */
  check(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): CheckedOperation {
    const plan = this.planOf(document, operation, variables);
    const requested = plan.cost(variables);
    const cost = { requested, limit: this.maxCost };
    if (requested > this.maxCost) throw tooComplex(plan, variables, cost);
    return { cost, mutations: operation.operation === OperationTypeNode.MUTATION ? plan.fields.length : 0 };
  }

  private planOf(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): CostPlan {
    const conditions = conditionsOf(document, operation);
    // Null where a condition has no value, which is an error: then everything counts.
    const key = conditions.key(variables);
    let plans = this.plans.get(operation);
    if (plans === undefined) this.plans.set(operation, (plans = new Map<string | null, CostPlan>()));
    let plan = plans.get(key);
    if (plan === undefined) {
      const resolved = key === null ? document : conditions.resolve(variables);
      plan = costPlan(this.schema, resolved, getOperationAST(resolved, operation.name?.value)!);
      if (plans.size >= MAX_COMBINATIONS) plans.delete(plans.keys().next().value!);
      plans.set(key, plan);
    }
    return plan;
  }
}

const formatted = (cost: number): string => cost.toLocaleString('en');

function tooComplex(plan: CostPlan, variables: Variables, cost: OperationCost): GraphQLError {
  const heaviest = heaviestList(plan, variables, cost.requested);
  const where =
    heaviest === undefined
      ? 'It is spread over many fields: ask for less at once.'
      : `Of it ${formatted(heaviest.cost)} is "${heaviest.path}": ask for smaller pages, fewer levels or fewer texts.`;
  return queryTooComplex(
    'cost',
    `The operation costs ${formatted(cost.requested)}, more than the ${formatted(cost.limit)} allowed. ${where}`,
    { cost, ...(heaviest === undefined ? {} : { field: heaviest.path }) },
    heaviest?.node,
  );
}

interface HeaviestList {
  readonly node: FieldNode;
  /** Names of fields as the answer has them, such as `products.nodes.reviews`. */
  readonly path: string;
  readonly cost: number;
}

/** The innermost list that makes more than half of the cost. */
function heaviestList(operation: CostPlan, variables: Variables, total: number): HeaviestList | undefined {
  let found: HeaviestList | undefined;
  const path: string[] = [];
  let plan = operation;
  for (let times = 1; ;) {
    times *= plan.timesIn(variables);
    const [heaviest] = plan.fields
      .map((field) => ({ field, cost: times * field.cost(variables) }))
      .sort((a, b) => b.cost - a.cost);
    if (heaviest === undefined || heaviest.cost * 2 <= total) return found;
    plan = heaviest.field;
    // An interface's type is no field.
    if (plan.node === undefined) continue;
    path.push((plan.node.alias ?? plan.node.name).value);
    if (plan.isList) found = { node: plan.node, path: path.join('.'), cost: heaviest.cost };
  }
}
