import { registerEnumType } from 'type-graphql';

export enum OrderDirection {
  ASC = 'ASC',
  DESC = 'DESC',
}

registerEnumType(OrderDirection, {
  name: 'OrderDirection',
  description: 'The direction of an order.',
  valuesConfig: {
    ASC: { description: 'The least first: the oldest, the cheapest, A before Z.' },
    DESC: { description: 'The greatest first: the newest, the dearest, Z before A.' },
  },
});

/**
 * What a list is ordered by: a column, and the id where two rows have the same value. Both together are the end of an index, which
 * is read in either direction.
 */
export interface KeysetOrder {
  /** As the schema names it, such as `PRICE`. */
  readonly name: string;
  /** Of the list's table, and never null: row comparisons know no null. What may be missing is stored as the least value. */
  readonly column: string;
  readonly type: KeyType;
  /** Where the column and its index belong to another table that has a row for each of the list's rows. */
  readonly beside?: {
    /** Joins that table, as `JOIN … ON …`. */
    readonly join: string;
    /** Its column with the id of the list's row, which its index ends with. */
    readonly id: string;
    /** Its column with the id of the parent of the list's row, in front of the order's column in another index. */
    readonly parent?: string;
  };
}

/** The types that lists can be ordered by; a cursor carries their values as text. */
type KeyType = keyof typeof KEY_TYPES;

export const KEY_TYPES = {
  /** Microseconds kept, which a JavaScript Date would drop. */
  timestamptz: {
    toText: (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
    isValue: isMoment,
  },
  date: {
    toText: (column: string): string => `to_char(${column}, 'YYYY-MM-DD')`,
    isValue: (text: string): boolean => isMoment(`${text}T00:00:00.000000Z`),
  },
  numeric: {
    toText: (column: string): string => `${column}::text`,
    isValue: (text: string): boolean => /^\d{1,20}(\.\d{1,20})?$/.test(text),
  },
  /** As the shortest text that reads back equal, whatever the session's `extra_float_digits`. */
  float8: {
    toText: (column: string): string => `exact_text(${column})`,
    isValue: (text: string): boolean => /^\d(\.\d{1,17})?$/.test(text),
  },
  integer: {
    toText: (column: string): string => `${column}::text`,
    isValue: (text: string): boolean => /^\d{1,9}$/.test(text),
  },
  /** Under the collation "C" of its column. */
  text: {
    toText: (column: string): string => column,
    isValue: (text: string): boolean => text.length <= 1_000 && !text.includes('\0'),
  },
} as const;

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

/** Whether PostgreSQL takes it; JavaScript alone accepts a 31st of February, and a year 0. */
function isMoment(text: string): boolean {
  const moment = MOMENT.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(moment) || text.startsWith('0000')) return false;
  return new Date(moment).toISOString().slice(0, 19) === text.slice(0, 19);
}
