import { GraphQLError, parse, type DocumentNode } from 'graphql';
import { queryTooComplex } from '../../graphql/errors.js';
import type { Limits } from './limits-config.js';
import { operationExcess } from './operation-limits.js';

/** Accepted texts that are remembered, and the longest of them: some megabytes at most. */
const MAX_REMEMBERED = 500;
const MAX_REMEMBERED_LENGTH = 4_096;

/** Refuses query texts that would take long to validate or to answer, by their text alone, before Apollo Server sees them. */
export class QueryGate {
  private readonly accepted = new Set<string>();

  constructor(private readonly limits: Limits) {}

  /** What is too much in the text; undefined where nothing is, also where the text is no GraphQL at all. */
  excessOf(text: string): GraphQLError | undefined {
    const { maxQueryBytes } = this.limits;
    if (Buffer.byteLength(text) > maxQueryBytes) {
      return queryTooComplex(
        'bytes',
        `The query text is larger than ${maxQueryBytes} bytes: send long values as variables.`,
      );
    }
    if (this.accepted.has(text)) return undefined;
    const document = parsed(text, this.limits.maxTokens);
    if (document === undefined) return undefined;
    const excess = document instanceof GraphQLError ? document : operationExcess(document, this.limits);
    if (excess === undefined) this.remember(text);
    return excess;
  }

  private remember(text: string): void {
    if (text.length > MAX_REMEMBERED_LENGTH) return;
    if (this.accepted.size >= MAX_REMEMBERED) this.accepted.delete(this.accepted.values().next().value!);
    this.accepted.add(text);
  }
}

/** Undefined for what cannot be parsed, which Apollo Server reports. */
function parsed(text: string, maxTokens: number): DocumentNode | GraphQLError | undefined {
  try {
    return parse(text, { maxLexicalTokens: maxTokens, noLocation: true });
  } catch (error) {
    // graphql-js has no other sign of it.
    if (!(error instanceof GraphQLError) || !error.message.endsWith('Parsing aborted.')) return undefined;
    return queryTooComplex('tokens', `The query text has more than ${maxTokens} tokens: ask for less at once.`);
  }
}
