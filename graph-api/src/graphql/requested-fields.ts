import {
  isCompositeType,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';

/**
 * The fields that an operation asks for, by the type that has them, wherever in the operation: what lists and loaders read by.
 * Directives are not looked at: a field that is skipped counts as asked for.
 */
export class RequestedFields {
  constructor(private readonly fieldsOf: ReadonlyMap<string, ReadonlySet<string>>) {}

  /** Whether one of these fields of the type is asked for. */
  has(type: string, ...fields: readonly string[]): boolean {
    const requested = this.fieldsOf.get(type);
    return requested !== undefined && fields.some((field) => requested.has(field));
  }

  /**
   * The columns that the requested fields of the type are made of, and `id`; each once, in the order of the table.
   * @param columnsOfField says it for each field that has columns
   */
  columns<Column extends string>(
    type: string,
    columnsOfField: Readonly<Record<string, readonly Column[]>>,
  ): ReadonlyArray<Column | 'id'> {
    const fields = Object.keys(columnsOfField).filter((field) => this.has(type, field));
    return ['id', ...new Set(fields.flatMap((field) => columnsOfField[field]!))];
  }
}

/** What follows from the requested fields alone, such as a statement's text: computed once an operation. */
export function oncePerOperation<T>(compute: (fields: RequestedFields) => T): (fields: RequestedFields) => T {
  const known = new WeakMap<RequestedFields, { readonly value: T }>();
  return (fields) => {
    let computed = known.get(fields);
    if (computed === undefined) {
      computed = { value: compute(fields) };
      known.set(fields, computed);
    }
    return computed.value;
  };
}

export const NO_FIELDS = new RequestedFields(new Map());

/** Operations of documents that Apollo Server remembers are walked once. */
const known = new WeakMap<OperationDefinitionNode, RequestedFields>();

/** The fields that a valid operation asks for. */
export function requestedFields(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): RequestedFields {
  let fields = known.get(operation);
  if (fields === undefined) {
    fields = new RequestedFields(collect(schema, document, operation));
    known.set(operation, fields);
  }
  return fields;
}

function collect(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Map<string, Set<string>> {
  const fieldsOf = new Map<string, Set<string>>();
  const typeInfo = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(typeInfo, {
      [Kind.OPERATION_DEFINITION]: (node) => (node === operation ? undefined : false),
      [Kind.FIELD]: ({ name }) => {
        const type = typeInfo.getParentType();
        if (!isCompositeType(type)) return;
        const fields = fieldsOf.get(type.name) ?? new Set();
        fieldsOf.set(type.name, fields.add(name.value));
      },
    }),
  );
  return fieldsOf;
}
