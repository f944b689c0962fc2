import {
  Kind,
  visit,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Limits } from './limits-config.js';

/** Levels that the introspection query of GraphiQL needs, which asks for types of types. */
const MAX_INTROSPECTION_DEPTH = 20;
const INTROSPECTION_FIELDS = new Set(['__schema', '__type']);

/** The sentence for the caller of a document that exceeds a limit. */
class LimitExceeded extends Error {}

/**
 * Says what is too much in a document, before graphql-js validates it. Its time is proportional to the document's size with
 * every fragment put in its places, and ends at the first limit that is exceeded; graphql-js's own rules take time that
 * is quadratic in the fields of one response key.
 * @returns undefined where the document is within all limits
 */
export function operationProblem(document: DocumentNode, limits: Limits): string | undefined {
  try {
    checkLiterals(document, limits.maxLiteralLength);
    new DocumentMeasure(document, limits).check();
    return undefined;
  } catch (error) {
    if (error instanceof LimitExceeded) return error.message;
    throw error;
  }
}

function checkLiterals(document: DocumentNode, maxLength: number): void {
  const check = ({ value }: { readonly value: string }): void => {
    if (value.length <= maxLength) return;
    throw new LimitExceeded(
      `The query text holds a name or value of more than ${maxLength} characters: send long values as variables.`,
    );
  };
  visit(document, { Name: check, StringValue: check, IntValue: check, FloatValue: check, EnumValue: check });
}

class DocumentMeasure {
  private readonly fragments = new Map<string, FragmentDefinitionNode>();
  private readonly reached = new Set<string>();
  private selections = 0;
  private aliases = 0;
  private directives = 0;
  private comparisons = 0;

  constructor(
    private readonly document: DocumentNode,
    private readonly limits: Limits,
  ) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    }
  }

  /** @throws LimitExceeded */
  check(): void {
    const { definitions } = this.document;
    const operations = definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
    this.atMost(operations.length, this.limits.maxOperations, 'operations');
    for (const operation of operations) {
      this.countDirectives(operation);
      for (const variable of operation.variableDefinitions ?? []) this.countDirectives(variable);
      this.checkSelections(operation.selectionSet);
    }
    for (const [name, fragment] of this.fragments) {
      if (!this.reached.has(name)) this.checkSelections(fragment.selectionSet, new Set([name]));
    }
  }

  private checkSelections(selectionSet: SelectionSetNode, path = new Set<string>()): void {
    this.measure(selectionSet, 1, this.limits.maxDepth, path);
    this.countComparisons([selectionSet]);
  }

  /** Counts a selection set as it is once its fragments are put in their places. `path` holds the fragments around it. */
  private measure(selectionSet: SelectionSetNode, depth: number, maxDepth: number, path: Set<string>): void {
    for (const selection of selectionSet.selections) {
      this.selections += 1;
      this.atMost(this.selections, this.limits.maxSelections, 'fields and fragments');
      this.countDirectives(selection);
      if (selection.kind === Kind.FIELD) {
        if (depth > maxDepth) throw new LimitExceeded(`The operation has more than ${maxDepth} levels: ask for fewer.`);
        if (selection.alias !== undefined) this.atMost((this.aliases += 1), this.limits.maxAliases, 'aliases');
        const max = INTROSPECTION_FIELDS.has(selection.name.value) ? MAX_INTROSPECTION_DEPTH : maxDepth;
        if (selection.selectionSet !== undefined) this.measure(selection.selectionSet, depth + 1, max, path);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.measure(selection.selectionSet, depth, maxDepth, path);
      } else {
        this.measureFragment(selection.name.value, depth, maxDepth, path);
      }
    }
  }

  private measureFragment(name: string, depth: number, maxDepth: number, path: Set<string>): void {
    const fragment = this.fragments.get(name);
    // An unknown fragment is reported by graphql-js.
    if (fragment === undefined) return;
    if (path.has(name)) throw new LimitExceeded(`The fragment "${name}" contains itself.`);
    this.reached.add(name);
    this.countDirectives(fragment);
    path.add(name);
    this.measure(fragment.selectionSet, depth, maxDepth, path);
    path.delete(name);
  }

  /**
   * Counts the pairs that graphql-js compares to see whether fields of one response key can be merged: selection sets that
   * are merged with one another, then what lies below them. The document is free of cycles here.
   */
  private countComparisons(merged: readonly SelectionSetNode[]): void {
    const fields = new Map<string, { count: number; children: SelectionSetNode[] }>();
    const spreads = new Set<string>();
    const collect = (selection: SelectionNode): void => {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        selection.selectionSet.selections.forEach(collect);
      } else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (spreads.has(selection.name.value)) return;
        this.compare(spreads.size);
        spreads.add(selection.name.value);
        this.fragments.get(selection.name.value)?.selectionSet.selections.forEach(collect);
      } else {
        const key = (selection.alias ?? selection.name).value;
        const field = fields.get(key) ?? { count: 0, children: [] };
        fields.set(key, field);
        this.compare(field.count);
        field.count += 1;
        if (selection.selectionSet !== undefined) field.children.push(selection.selectionSet);
      }
    };
    for (const { selections } of merged) selections.forEach(collect);
    for (const { children } of fields.values()) if (children.length > 0) this.countComparisons(children);
  }

  private compare(pairs: number): void {
    this.comparisons += pairs;
    if (this.comparisons <= this.limits.maxComparisons) return;
    throw new LimitExceeded('The operation asks for the same fields too many times: ask for each field once.');
  }

  private countDirectives({ directives = [] }: { readonly directives?: readonly unknown[] | undefined }): void {
    this.directives += directives.length;
    this.atMost(this.directives, this.limits.maxDirectives, 'directives');
  }

  private atMost(count: number, max: number, what: string): void {
    if (count > max) throw new LimitExceeded(`The operation has more than ${max} ${what}: ask for less at once.`);
  }
}
