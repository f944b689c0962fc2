import { GraphQLError, parse, type DocumentNode } from 'graphql';
import { queryTooComplex } from '../../graphql/errors.js';
import type { Limits } from './limits-config.js';
import { checkOperations } from './operation-limits.js';

/** Accepted texts that are remembered, and the longest of them: some megabytes at most. */
const MAX_REMEMBERED = 500;
const MAX_REMEMBERED_LENGTH = 4_096;

/** Refuses query texts that would take long to validate or to answer, by their text alone, before Apollo Server sees them. */
export class QueryGate {
  private readonly accepted = new Set<string>();

  constructor(private readonly limits: Limits) {}

  /**
   * Checks a text; one that is no GraphQL at all passes, for Apollo Server to report.
   * @throws QUERY_TOO_COMPLEX, or GRAPHQL_VALIDATION_FAILED for a fragment that contains itself
   */
  check(text: string): void {
    const { maxQueryBytes } = this.limits;
    if (Buffer.byteLength(text) > maxQueryBytes) {
      throw queryTooComplex(
        'bytes',
        `The query text is larger than ${maxQueryBytes} bytes: send long values as variables.`,
      );
    }
    if (this.accepted.has(text)) return;
    const document = parsed(text, this.limits.maxTokens);
    if (document === undefined) return;
    checkOperations(document, this.limits);
    this.remember(text);
  }

  private remember(text: string): void {
    if (text.length > MAX_REMEMBERED_LENGTH) return;
    if (this.accepted.size >= MAX_REMEMBERED) this.accepted.delete(this.accepted.values().next().value!);
    this.accepted.add(text);
  }
}

/** Undefined for what cannot be parsed, which Apollo Server reports. @throws QUERY_TOO_COMPLEX */
function parsed(text: string, maxTokens: number): DocumentNode | undefined {
  try {
    return parse(text, { maxLexicalTokens: maxTokens, noLocation: true });
  } catch (error) {
    // graphql-js has no other sign of it.
    if (!(error instanceof GraphQLError) || !error.message.endsWith('Parsing aborted.')) return undefined;
    throw queryTooComplex('tokens', `The query text has more than ${maxTokens} tokens: ask for less at once.`);
  }
}
