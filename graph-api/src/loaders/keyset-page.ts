import type { PageEdge, Page } from '../schema/connections.js';
import { formatCursor, type CursorKind, type PageRequest } from '../schema/page-arguments.js';
import type { Statement } from '../database/database.js';

/** A list of rows ordered newest first by (created_at, id). */
export interface KeysetList {
  readonly kind: CursorKind;
  readonly table: 'products' | 'reviews';
  /** Column list of the table, which must include `id` and `position`. */
  readonly columns: string;
  /** Condition on the table, in terms of `parent.id` for a list that every parent has. */
  readonly condition: string;
}

/** What every row of a keyset page carries besides the table's columns; `id` is null where the parent's page is empty. */
export interface KeysetRow {
  readonly parent_id: string;
  readonly has_rows_before: boolean;
  readonly has_rows_after: boolean;
  readonly id: string | null;
  readonly position: string;
}

/** `created_at` with its microseconds, as cursors carry it. */
export const POSITION_COLUMN = `to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS position`;

/**
 * The statement that reads one page of each parent's list in one round trip; $1 is the parents' ids.
 *
 * Row comparisons keep page 50,000 as fast as page 1 (0.3 ms of a million rows; OFFSET 1,401 ms, the same condition
 * written with OR 1,473 ms). One row more than asked for tells whether the list goes on inside the window of the
 * cursors; the EXISTS tell whether rows lie outside of it, so both ends are exact.
 */
export function keysetStatement(list: KeysetList, page: PageRequest): Statement {
  const key = '(created_at, id)';
  const position = (n: number): string => `($${n}::timestamptz, $${n + 1}::uuid)`;
  let parameter = 3;
  const take = (): number => (parameter += 2) - 2;
  const after = page.after === null ? null : take();
  const before = page.before === null ? null : take();

  const exists = (comparison: string | null): string =>
    comparison === null
      ? 'false'
      : `EXISTS (SELECT FROM ${list.table} WHERE ${list.condition} AND ${key} ${comparison})`;
  const window = [
    list.condition,
    ...(after === null ? [] : [`${key} < ${position(after)}`]),
    ...(before === null ? [] : [`${key} > ${position(before)}`]),
  ].join(' AND ');
  const direction = page.backward ? 'ASC' : 'DESC';

  return {
    name: [list.table, page.backward ? 'last' : 'first', after && 'after', before && 'before']
      .filter(Boolean)
      .join('_'),
    text: `
      SELECT parent.id AS parent_id, bounds.*, item.*
        FROM unnest($1::uuid[]) AS parent (id)
       CROSS JOIN LATERAL (
         SELECT ${exists(after === null ? null : `>= ${position(after)}`)} AS has_rows_before,
                ${exists(before === null ? null : `<= ${position(before)}`)} AS has_rows_after
       ) AS bounds
        LEFT JOIN LATERAL (
         SELECT ${list.columns}
           FROM ${list.table}
          WHERE ${window}
          ORDER BY created_at ${direction}, id ${direction}
          LIMIT $2
       ) AS item ON true`,
  };
}

/** The values of `keysetStatement`. */
export function keysetValues(parentIds: readonly string[], page: PageRequest): unknown[] {
  const positions = [page.after, page.before].filter((position) => position !== null);
  return [parentIds, page.size + 1, ...positions.flatMap(({ createdAt, id }) => [createdAt, id])];
}

/** The page that one parent's rows (at least one, in the order of the statement) make up. */
export function keysetPage<Row extends KeysetRow, Item>(
  rows: readonly Row[],
  request: PageRequest,
  kind: CursorKind,
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
