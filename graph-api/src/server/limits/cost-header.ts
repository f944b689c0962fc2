import type { IncomingHttpHeaders } from 'node:http';

/** `GraphQL-Cost: report` asks for `extensions.cost`, as it does with other GraphQL servers. */
const COST_HEADER = 'graphql-cost';

export function asksForCost(headers: IncomingHttpHeaders): boolean {
  return headers[COST_HEADER] === 'report';
}

/** What is wrong with the header, for the caller. Elsewhere `validate` asks for the cost alone: executing it would be wrong. */
export function costHeaderProblem(headers: IncomingHttpHeaders): string | undefined {
  if (headers[COST_HEADER] === undefined || asksForCost(headers)) return undefined;
  return 'The header graphql-cost must be "report", for the cost of the operation in extensions.cost, or left out.';
}
