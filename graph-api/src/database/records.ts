/** The columns of a record among others in a SELECT list, each as `<record>.<column>`. */
export function recordColumns(record: string, columns: readonly string[]): string {
  return columns.map((column) => `(${record}).${column} AS "${record}.${column}"`).join(', ');
}

/** The record in a row that has `recordColumns(record, columns)`, `id` among them; null where there is none. */
// The row type is named at the call, since a SELECT list cannot know it.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function recordOf<Row>(record: string, columns: readonly string[], row: object): Row | null {
  const values = row as Readonly<Record<string, unknown>>;
  if (values[`${record}.id`] === null) return null;
  return Object.fromEntries(columns.map((column) => [column, values[`${record}.${column}`]])) as Row;
}
