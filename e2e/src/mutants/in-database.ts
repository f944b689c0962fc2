import { PlaceNotFoundError, replaceOnly, type Mutation } from './mutant.js';

/** A statement of a migration, by its place in the file. */
interface Statement {
  readonly path: string;
  readonly start: number;
  readonly text: string;
}

/**
 * Changes the definition of a database object in the migrations of graph-api, wherever it is; the last one where
 * migrations have replaced it.
 * @param object such as `FUNCTION update_review` or `TRIGGER reviews_capture_update`
 * @param pattern matches once in the definition
 */
export function inDatabaseObject(object: string, pattern: RegExp, replacement: string): Mutation {
  return async (tree) => {
    const paths = (await tree.files('graph-api', 'sql/migrations')).filter((path) => path.endsWith('.sql')).sort();
    const definitions: Statement[] = [];
    for (const path of paths) {
      const text = await tree.read('graph-api', path);
      definitions.push(
        ...sqlStatements(text)
          .filter((one) => defines(one.text, object))
          .map((one) => ({ path, ...one })),
      );
    }
    const definition = definitions.at(-1);
    if (definition === undefined) throw new PlaceNotFoundError(`no migration creates the ${object}`);
    const text = await tree.read('graph-api', definition.path);
    const mutated = replaceOnly(definition.text, pattern, replacement, object);
    const end = definition.start + definition.text.length;
    await tree.write('graph-api', definition.path, text.slice(0, definition.start) + mutated + text.slice(end));
  };
}

function defines(statement: string, object: string): boolean {
  const [kind, name] = object.split(' ');
  return new RegExp(`^CREATE\\s+(OR\\s+REPLACE\\s+)?(CONSTRAINT\\s+)?${kind}\\s+(\\w+\\.)?${name}\\b`, 'i').test(
    statement,
  );
}

/** A piece of SQL in which a semicolon ends nothing: dollar-quoted, quoted, or a comment. */
const OPAQUE = /\$(\w*)\$[\s\S]*?\$\1\$|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//y;

/** The statements of an SQL file, each from its first word to its semicolon. */
export function sqlStatements(text: string): Array<{ start: number; text: string }> {
  const statements: Array<{ start: number; text: string }> = [];
  let start: number | undefined;
  for (let at = 0; at < text.length;) {
    OPAQUE.lastIndex = at;
    const opaque = OPAQUE.exec(text)?.[0];
    if (opaque !== undefined) {
      if (start === undefined && !/^(--|\/\*)/.test(opaque)) start = at;
      at += opaque.length;
      continue;
    }
    if (start === undefined && !/[\s;]/.test(text[at]!)) start = at;
    if (text[at] === ';' && start !== undefined) {
      statements.push({ start, text: text.slice(start, at + 1) });
      start = undefined;
    }
    at += 1;
  }
  if (start !== undefined) statements.push({ start, text: text.slice(start) });
  return statements;
}
