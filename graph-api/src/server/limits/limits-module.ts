import * as costs from '../../graphql/field-cost.js';
import { maxTextLengths } from '../../graphql/input-validation.js';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../pagination/page-arguments.js';
import { MAX_STARS, MIN_STARS } from '../../reviews/star-rating.js';
import { LIMITS } from './limits-config.js';

interface Constant {
  readonly name: string;
  readonly description: string;
  readonly value: unknown;
}

function constants(): Constant[] {
  return [
    {
      name: 'MAX_TEXT_LENGTHS',
      description:
        'The most code points of a text, by input type and field; more is `TOO_LONG`. `maxlength` of HTML counts UTF-16 units.',
      value: maxTextLengths(),
    },
    {
      name: 'STARS',
      description: 'The least and the greatest rating; others are `OUT_OF_RANGE`.',
      value: { min: MIN_STARS, max: MAX_STARS },
    },
    {
      name: 'PAGE_SIZE',
      description: 'The size of a page that asks for none, and the greatest that may be asked for.',
      value: { default: DEFAULT_PAGE_SIZE, max: MAX_PAGE_SIZE },
    },
    {
      name: 'COST',
      description:
        'What the parts of an operation cost ("Cost" in docs/api.md), the size that a list without an argument for it counts with, and what an operation may cost unless the service is configured otherwise.',
      value: {
        field: costs.FIELD_COST,
        longText: costs.LONG_TEXT_COST,
        list: costs.LIST_COST,
        mutation: costs.MUTATION_COST,
        introspection: costs.INTROSPECTION_COST,
        plainListSize: costs.PLAIN_LIST_SIZE,
        max: LIMITS.variables.maxCost.fallback,
      },
    },
  ];
}

/** The limits of the API as a module of the SDK. To be called once the schema is built, so that all inputs are known. */
export function limitsModule(): string {
  const texts = constants().map(
    ({ name, description, value }) =>
      `/** ${description} */\nexport const ${name} = ${JSON.stringify(value, null, 2)} as const;\n`,
  );
  return `// Generated from graph-api/src by \`npm run codegen\`; do not edit.\n\n${texts.join('\n')}`;
}
