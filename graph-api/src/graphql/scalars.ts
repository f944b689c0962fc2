import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { GraphQLDateTime } from 'graphql-scalars';

/** 10 digits before the point is a rule for prices; this bound only keeps absurd texts out. */
const DECIMAL = /^-?(0|[1-9]\d{0,29})(\.\d{1,30})?$/;
const CURRENCY_CODE = /^[A-Z]{3}$/;

function textScalar(name: string, description: string, pattern: RegExp, expected: string): GraphQLScalarType<string> {
  const parse = (value: unknown): string => {
    if (typeof value !== 'string' || !pattern.test(value)) {
      throw new GraphQLError(`${name} must be ${expected}`);
    }
    return value;
  };
  return new GraphQLScalarType<string>({
    name,
    description,
    serialize: String,
    parseValue: parse,
    parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined),
  });
}

export const DecimalScalar = textScalar(
  'Decimal',
  'An exact decimal number, as a string: `"19.99"`.',
  DECIMAL,
  'a decimal number as a string, such as "19.99"',
);

export const CurrencyCodeScalar = textScalar(
  'CurrencyCode',
  'An ISO 4217 code, such as `EUR`.',
  CURRENCY_CODE,
  'three capital letters, such as "EUR"',
);

export const DateScalar = textScalar(
  'Date',
  'A day as ISO 8601, in UTC: `2026-01-31`.',
  /^\d{4}-\d{2}-\d{2}$/,
  'a day, such as "2026-01-31"',
);

export const DateTimeScalar = new GraphQLScalarType({
  ...GraphQLDateTime.toConfig(),
  description: 'A moment as ISO 8601 with its offset: `2026-01-31T12:00:00.000Z`.',
});
