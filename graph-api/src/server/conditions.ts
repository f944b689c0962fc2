import {
  Kind,
  visit,
  type ASTNode,
  type ConstValueNode,
  type DirectiveNode,
  type DocumentNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type ValueNode,
} from 'graphql';

type Variables = Readonly<Record<string, unknown>>;

/** The conditions of an operation's document: `@skip` and `@include`. */
class Conditions {
  private readonly hasAny: boolean;
  /** The variables that decide, with their defaults. */
  private readonly deciding: ReadonlyArray<readonly [name: string, defaultValue: ConstValueNode | undefined]>;

  constructor(
    private readonly document: DocumentNode,
    operation: OperationDefinitionNode,
  ) {
    const names = new Set<string>();
    let hasAny = false;
    visit(document, {
      Directive: (directive) => {
        hasAny = true;
        const value = conditionOf(directive);
        if (value?.kind === Kind.VARIABLE) names.add(value.name.value);
      },
    });
    this.hasAny = hasAny;
    this.deciding = [...names].map((name) => [
      name,
      operation.variableDefinitions?.find(({ variable }) => variable.name.value === name)?.defaultValue,
    ]);
  }

  /** The values of the variables that decide, as a text; null where one of them has none that decides, which is an error. */
  key(variables: Variables): string | null {
    let key = '';
    for (const [name, defaultValue] of this.deciding) {
      const value = valueOf(variables, name, defaultValue);
      if (typeof value !== 'boolean') return null;
      key += value ? '+' : '-';
    }
    return key;
  }

  /** The document without conditions: what they leave out is gone. To be called where `key` is not null. */
  resolve(variables: Variables): DocumentNode {
    if (!this.hasAny) return this.document;
    const values = new Map(this.deciding.map(([name, value]) => [name, valueOf(variables, name, value)]));
    const isTrue = (value: ValueNode | undefined): boolean =>
      value?.kind === Kind.VARIABLE
        ? values.get(value.name.value) === true
        : value?.kind === Kind.BOOLEAN && value.value;
    const enter = (selection: SelectionNode): ASTNode | null => {
      const { directives = [] } = selection;
      const isLeftOut = directives.some(
        (directive) => isTrue(conditionOf(directive)) === (directive.name.value === 'skip'),
      );
      return isLeftOut ? null : { ...selection, directives: [] };
    };
    return visit(this.document, {
      Field: { enter },
      InlineFragment: { enter },
      FragmentSpread: { enter },
    });
  }
}

const known = new WeakMap<OperationDefinitionNode, Conditions>();

/** The conditions of an operation. Those of documents that are remembered are found once. */
export function conditionsOf(document: DocumentNode, operation: OperationDefinitionNode): Conditions {
  let conditions = known.get(operation);
  if (conditions === undefined) {
    conditions = new Conditions(document, operation);
    known.set(operation, conditions);
  }
  return conditions;
}

/** The argument of `@skip(if:)` or `@include(if:)`; a valid operation has no other directives. */
function conditionOf({ arguments: given = [] }: DirectiveNode): ValueNode | undefined {
  return given.find(({ name }) => name.value === 'if')?.value;
}

function valueOf(variables: Variables, name: string, defaultValue: ConstValueNode | undefined): unknown {
  const value = variables[name];
  if (value !== undefined) return value;
  return defaultValue?.kind === Kind.BOOLEAN ? defaultValue.value : undefined;
}
