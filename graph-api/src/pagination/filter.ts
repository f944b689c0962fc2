import { createHash } from 'node:crypto';

/** A condition on a table, whose parameters are these values from $1 on. */
export interface Condition {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Whether an index has the rows that meet it as they are listed, but for few of them: then reading a page is short. */
  readonly isIndexed: boolean;
}

/**
 * A short text that two filters share exactly if they are given in the same way; empty where nothing is filtered. Cursors carry it, so
 * it depends on the argument alone, not on the SQL that it becomes.
 */
export function filterDigest(filter: object | null | undefined): string {
  const given = canonical(filter ?? {});
  return given === '{}' ? '' : createHash('sha256').update(given).digest('base64url').slice(0, 11);
}

/** JSON without absent fields, whatever the order of the others. */
function canonical(filter: object): string {
  return JSON.stringify(filter, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, field]) => field != null)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
}
