import { parse } from 'graphql';

/** Documents by their ids. */
export type Manifest = ReadonlyMap<string, string>;

/**
 * A manifest as code generators write it: an object of ids and texts (graphql-codegen's client preset, Relay), or Apollo's
 * persisted query manifest, version 1.
 * @throws Error with a sentence that says what is wrong, and where
 */
export function parseManifest(json: string): Manifest {
  const content = parsedJson(json);
  const manifest = new Map<string, string>();
  for (const [id, text] of isApollos(content) ? entriesOfApollo(content) : entriesOf(content)) {
    if (typeof id !== 'string' || id === '') throw new Error('it has a document without an id');
    if (typeof text !== 'string') throw new Error(`its document "${id}" is no text`);
    if ((manifest.get(id) ?? text) !== text) throw new Error(`it has two documents "${id}"`);
    checkText(id, text);
    manifest.set(id, text);
  }
  if (manifest.size === 0) throw new Error('it has no document');
  return manifest;
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Error('it is no JSON');
  }
}

interface ApolloManifest {
  readonly format: unknown;
  readonly version?: unknown;
  readonly operations?: unknown;
}

function isApollos(content: unknown): content is ApolloManifest {
  return typeof content === 'object' && content !== null && 'format' in content;
}

function entriesOfApollo({ format, version, operations }: ApolloManifest): Array<[unknown, unknown]> {
  if (format !== 'apollo-persisted-query-manifest' || version !== 1 || !Array.isArray(operations)) {
    throw new Error('it has a "format" and is not version 1 of "apollo-persisted-query-manifest"');
  }
  return operations.map((operation: { readonly id?: unknown; readonly body?: unknown } | null) => [
    operation?.id,
    operation?.body,
  ]);
}

function entriesOf(content: unknown): Array<[unknown, unknown]> {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new Error('it is no object of ids and texts');
  }
  return Object.entries(content);
}

function checkText(id: string, text: string): void {
  try {
    parse(text, { noLocation: true });
  } catch (error) {
    throw new Error(`its document "${id}" is no GraphQL (${(error as Error).message})`);
  }
}
