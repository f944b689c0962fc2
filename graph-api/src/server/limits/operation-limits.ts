import type { ApolloServerOptions, BaseContext } from '@apollo/server';
import { ApolloArmor } from '@escape.tech/graphql-armor';
import type { Limits } from './limits-config.js';

type OperationLimits = Pick<
  ApolloServerOptions<BaseContext>,
  'maxRecursiveSelections' | 'parseOptions' | 'validationRules'
>;

/** The part of Apollo Server's options that refuses operations by their text alone, before anything runs. */
export function operationLimits(limits: Limits): OperationLimits {
  const armor = new ApolloArmor({
    maxDepth: { n: limits.maxDepth, flattenFragments: true },
    maxAliases: { n: limits.maxAliases },
    maxDirectives: { n: limits.maxDirectives },
    maxTokens: { enabled: false },
    costLimit: { enabled: false },
    blockFieldSuggestion: { enabled: false },
  }).protect();
  return {
    maxRecursiveSelections: limits.maxSelections,
    parseOptions: { maxLexicalTokens: limits.maxTokens },
    validationRules: [...armor.validationRules],
  };
}
