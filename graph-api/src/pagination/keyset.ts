import type { Statement } from '../database/database.js';
import type { Page, PageEdge } from './connection.js';
import { formatCursor } from './cursor.js';
import type { PageRequest } from './page-arguments.js';

/** A list of rows ordered newest first by (created_at, id). */
export interface KeysetList {
  /** What the list holds, such as `product`: the kind of its cursors. */
  readonly kind: string;
  readonly table: string;
  /** Column list of the table, which must include `id`, `created_at` and `POSITION_COLUMN`. */
  readonly columns: string;
  /** Condition on the table, in terms of `parent.id` for a list that every parent has. */
  readonly condition: string;
}

/** What every row of a keyset page carries besides the table's columns; `id` is null where the page is empty. */
export interface KeysetRow {
  readonly has_rows_before: boolean;
  readonly has_rows_after: boolean;
  readonly id: string | null;
  readonly position: string;
}

/** A row of a list that every parent has. */
export interface ChildKeysetRow extends KeysetRow {
  readonly parent_id: string;
}

/** `created_at` with its microseconds, as cursors carry it. */
export const POSITION_COLUMN = `to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS position`;

/**
 * The statement that reads one page of a list in one round trip, and its values.
 *
 * Row comparisons keep page 50,000 as fast as page 1 (0.3 ms of a million rows; OFFSET 1,401 ms, the same condition
 * written with OR 1,473 ms). One row more than asked for tells whether the list goes on inside the window of the
 * cursors; the EXISTS tell whether rows lie outside of it, so both ends are exact.
 *
 * @param parents the ids of the parents whose lists are read, each row with its `parent_id`; null for a list without
 */
export function keysetQuery(
  list: KeysetList,
  page: PageRequest,
  parents: readonly string[] | null,
): { readonly statement: Statement; readonly values: unknown[] } {
  const values: unknown[] = [];
  const parameter = (value: unknown, type: string): string => `$${values.push(value)}::${type}`;
  const position = (at: PageRequest['after']): string | null =>
    at === null ? null : `(${parameter(at.createdAt, 'timestamptz')}, ${parameter(at.id, 'uuid')})`;

  const parentRows = parents === null ? null : `unnest(${parameter(parents, 'uuid[]')}) AS parent (id)`;
  const limit = parameter(page.size + 1, 'bigint');
  const after = position(page.after);
  const before = position(page.before);

  const key = '(created_at, id)';
  const exists = (comparison: string): string =>
    `EXISTS (SELECT FROM ${list.table} WHERE ${list.condition} AND ${key} ${comparison})`;
  const window = [
    list.condition,
    ...(after === null ? [] : [`${key} < ${after}`]),
    ...(before === null ? [] : [`${key} > ${before}`]),
  ].join(' AND ');
  const direction = page.backward ? 'ASC' : 'DESC';

  const text = `
      SELECT ${parentRows === null ? '' : 'parent.id AS parent_id, '}bounds.*, item.*
        FROM ${parentRows === null ? '' : `${parentRows} CROSS JOIN LATERAL`} (
         SELECT ${after === null ? 'false' : exists(`>= ${after}`)} AS has_rows_before,
                ${before === null ? 'false' : exists(`<= ${before}`)} AS has_rows_after
       ) AS bounds
        LEFT JOIN LATERAL (
         SELECT ${list.columns}
           FROM ${list.table}
          WHERE ${window}
          ORDER BY created_at ${direction}, id ${direction}
          LIMIT ${limit}
       ) AS item ON true
       ORDER BY item.created_at ${direction}, item.id ${direction}`;
  const name = [
    list.table,
    page.backward ? 'last' : 'first',
    ...(after === null ? [] : ['after']),
    ...(before === null ? [] : ['before']),
  ].join('_');
  return { statement: { name, text }, values };
}

/** The page that the rows of one list (at least one, in the order of the statement) make up. */
export function keysetPage<Row extends KeysetRow, Item>(
  rows: readonly Row[],
  request: PageRequest,
  kind: string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const { has_rows_before: rowsBefore, has_rows_after: rowsAfter } = rows[0]!;
  const found = rows.filter((row) => row.id !== null);
  const goesOn = found.length > request.size;
  const listed = found.slice(0, request.size);
  if (request.backward) listed.reverse();
  const edges: Array<PageEdge<Item>> = listed.map((row) => ({
    cursor: formatCursor(kind, { createdAt: row.position, id: row.id! }),
    node: toItem(row),
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: request.backward ? rowsAfter : goesOn || rowsAfter,
      hasPreviousPage: request.backward ? goesOn || rowsBefore : rowsBefore,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** The pages of a list that every parent has, by the parents' ids, which occur in the rows at least once each. */
export function keysetPages<Row extends ChildKeysetRow, Item>(
  rows: readonly Row[],
  request: PageRequest,
  kind: string,
  toItem: (row: Row) => Item,
): Map<string, Page<Item>> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.parent_id);
    if (group === undefined) groups.set(row.parent_id, [row]);
    else group.push(row);
  }
  return new Map(Array.from(groups, ([parent, own]) => [parent, keysetPage(own, request, kind, toItem)]));
}
