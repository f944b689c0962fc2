import { parse, type DocumentNode } from 'graphql';
import type { Limits } from './limits-config.js';
import { operationProblem } from './operation-limits.js';

/** Accepted texts that are remembered, and the longest of them: some megabytes at most. */
const MAX_REMEMBERED = 500;
const MAX_REMEMBERED_LENGTH = 4_096;

/** Refuses query texts that would take long to validate or to answer, by their text alone, before Apollo Server sees them. */
export class QueryGate {
  private readonly accepted = new Set<string>();

  constructor(private readonly limits: Limits) {}

  /** What is too much in the text; undefined where nothing is, also where the text is no GraphQL at all. */
  problemOf(text: string): string | undefined {
    const { maxQueryBytes } = this.limits;
    if (Buffer.byteLength(text) > maxQueryBytes) {
      return `The query text is larger than ${maxQueryBytes} bytes: send long values as variables.`;
    }
    if (this.accepted.has(text)) return undefined;
    const document = parseOrUndefined(text, this.limits.maxTokens);
    if (document === undefined) return undefined;
    const problem = operationProblem(document, this.limits);
    if (problem === undefined) this.remember(text);
    return problem;
  }

  private remember(text: string): void {
    if (text.length > MAX_REMEMBERED_LENGTH) return;
    if (this.accepted.size >= MAX_REMEMBERED) this.accepted.delete(this.accepted.values().next().value!);
    this.accepted.add(text);
  }
}

/** Apollo Server reports what cannot be parsed. */
function parseOrUndefined(text: string, maxTokens: number): DocumentNode | undefined {
  try {
    return parse(text, { maxLexicalTokens: maxTokens, noLocation: true });
  } catch {
    return undefined;
  }
}
