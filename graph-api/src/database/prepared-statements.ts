import type { Statement } from './database.js';

/**
 * Statements that get a name, of a process. What a connection has prepared it keeps in PostgreSQL's memory, and callers choose the
 * columns. Beyond that a statement is parsed and planned each time.
 */
const MAX_PREPARED = 100;

const names = new Map<string, string>();

/** Names a statement whose text depends on what is asked for, so that it is prepared once per connection. */
export function preparedStatement(text: string): Statement {
  let name = names.get(text);
  if (name === undefined) {
    if (names.size >= MAX_PREPARED) return { text };
    name = `read_${names.size + 1}`;
    names.set(text, name);
  }
  return { name, text };
}
