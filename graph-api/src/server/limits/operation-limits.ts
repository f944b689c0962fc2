import {
  GraphQLError,
  Kind,
  visit,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { extensionsOf } from '../../graphql/error-codes.js';
import { queryTooComplex } from '../../graphql/errors.js';
import type { Limits } from './limits-config.js';

/** Levels that the introspection query of GraphiQL needs, which asks for types of types. */
const MAX_INTROSPECTION_DEPTH = 20;
/** Each is a statement of its own, or more. Scanners of GraphQL call it an attack when a server answers more. */
const MAX_ROOT_FIELDS = 100;
const INTROSPECTION_FIELDS = new Set(['__schema', '__type']);

/**
 * Checks a document before graphql-js validates it. It takes time proportional to the document's size with
 * every fragment put in its places, and ends at the first limit that is exceeded; graphql-js's own rules take time that
 * is quadratic in the fields of one response key.
 * @throws QUERY_TOO_COMPLEX, or GRAPHQL_VALIDATION_FAILED for a fragment that contains itself
 */
export function checkOperations(document: DocumentNode, limits: Limits): void {
  // First what ends early in a large document.
  new DocumentMeasure(document, limits).check();
  checkLiterals(document, limits.maxLiteralLength);
}

function checkLiterals(document: DocumentNode, maxLength: number): void {
  const check = ({ value }: { readonly value: string }): void => {
    if (value.length <= maxLength) return;
    throw queryTooComplex(
      'literals',
      `The query text holds a name or value of more than ${maxLength} characters: send long values as variables. It ` +
        `begins with "${value.slice(0, 20)}".`,
    );
  };
  visit(document, { Name: check, StringValue: check, IntValue: check, FloatValue: check, EnumValue: check });
}

class DocumentMeasure {
  private readonly fragments = new Map<string, FragmentDefinitionNode>();
  private readonly reached = new Set<string>();
  private selections = 0;
  /** Response keys of the operation that is being measured, at its top level. */
  private readonly rootFields = new Set<string>();
  private comparisons = 0;

  constructor(
    private readonly document: DocumentNode,
    private readonly limits: Limits,
  ) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    }
  }

  /** @throws GraphQLError */
  check(): void {
    for (const definition of this.document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      this.count(definition);
      for (const variable of definition.variableDefinitions ?? []) this.count(variable);
      this.rootFields.clear();
      this.checkSelections(definition.selectionSet, 1, new Set());
    }
    // Validation refuses them, once it has looked into them: they stand as if one field were around them.
    for (const [name, fragment] of this.fragments) {
      if (!this.reached.has(name)) this.checkSelections(fragment.selectionSet, 2, new Set([name]));
    }
  }

  private checkSelections(selectionSet: SelectionSetNode, depth: number, path: Set<string>): void {
    this.measure(selectionSet, depth, this.limits.maxDepth, path);
    this.countComparisons([selectionSet]);
  }

  /** Counts a selection set as it is once its fragments are put in their places. `path` holds the fragments around it. */
  private measure(selectionSet: SelectionSetNode, depth: number, maxDepth: number, path: Set<string>): void {
    for (const selection of selectionSet.selections) {
      this.count(selection);
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        if (depth === 1) this.addRootField(selection.alias?.value ?? name);
        if (depth > maxDepth) {
          throw queryTooComplex(
            'depth',
            `The operation has more than ${maxDepth} levels, at "${name}": ask for fewer.`,
          );
        }
        const max = INTROSPECTION_FIELDS.has(name) ? MAX_INTROSPECTION_DEPTH : maxDepth;
        if (selection.selectionSet !== undefined) this.measure(selection.selectionSet, depth + 1, max, path);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.measure(selection.selectionSet, depth, maxDepth, path);
      } else {
        this.measureFragment(selection.name.value, depth, maxDepth, path);
      }
    }
  }

  private addRootField(responseKey: string): void {
    this.rootFields.add(responseKey);
    if (this.rootFields.size <= MAX_ROOT_FIELDS) return;
    throw queryTooComplex(
      'rootFields',
      `The operation asks for more than ${MAX_ROOT_FIELDS} fields at its top level, at "${responseKey}": use \`nodes\` or a list, or ` +
        'several requests.',
    );
  }

  private measureFragment(name: string, depth: number, maxDepth: number, path: Set<string>): void {
    const fragment = this.fragments.get(name);
    // An unknown fragment is reported by graphql-js.
    if (fragment === undefined) return;
    if (path.has(name)) {
      const extensions = extensionsOf('GRAPHQL_VALIDATION_FAILED');
      throw new GraphQLError(`The fragment "${name}" contains itself.`, { extensions });
    }
    this.reached.add(name);
    this.count(fragment);
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
        this.compare(spreads.size, selection.name.value);
        spreads.add(selection.name.value);
        this.fragments.get(selection.name.value)?.selectionSet.selections.forEach(collect);
      } else {
        const key = (selection.alias ?? selection.name).value;
        const field = fields.get(key) ?? { count: 0, children: [] };
        fields.set(key, field);
        this.compare(field.count, key);
        field.count += 1;
        if (selection.selectionSet !== undefined) field.children.push(selection.selectionSet);
      }
    };
    for (const { selections } of merged) selections.forEach(collect);
    for (const { children } of fields.values()) if (children.length > 0) this.countComparisons(children);
  }

  private compare(pairs: number, name: string): void {
    this.comparisons += pairs;
    if (this.comparisons <= this.limits.maxComparisons) return;
    throw queryTooComplex(
      'comparisons',
      `The operation asks for the same fields too many times, for one "${name}": ask for each field once.`,
    );
  }

  /** Counts the node and its directives. */
  private count({ directives = [] }: { readonly directives?: readonly unknown[] | undefined }): void {
    this.selections += 1 + directives.length;
    const { maxSelections } = this.limits;
    if (this.selections <= maxSelections) return;
    throw queryTooComplex(
      'fields',
      `The query text has more than ${maxSelections} fields, fragments and directives, counted wherever they are used: ` +
        'ask for less at once.',
    );
  }
}
