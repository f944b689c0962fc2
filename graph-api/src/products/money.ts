import currencyCodes from 'currency-codes';
import { Field, InputType, ObjectType } from 'type-graphql';
import { ValidateWith } from '../graphql/input-validation.js';
import { CurrencyCodeScalar, DecimalScalar } from '../graphql/scalars.js';

const MAX_PRICE_DIGITS = 10;

/** Metals, bond units, the test code and "no currency": ISO 4217 lists them without minor units. */
const NOT_MONEY = new Set(['XAU', 'XAG', 'XPD', 'XPT', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XSU', 'XUA', 'XTS', 'XXX']);

const DECIMALS: ReadonlyMap<string, number> = new Map(
  currencyCodes.data.filter(({ code }) => !NOT_MONEY.has(code)).map(({ code, digits }) => [code, digits]),
);

/** How many decimals the currency has by ISO 4217; null where the code is unknown, or names no currency of trade. */
function currencyDecimals(currencyCode: string): number | null {
  return DECIMALS.get(currencyCode) ?? null;
}

@ObjectType({ description: 'An amount of money.', simpleResolvers: true })
export class Money {
  @Field(() => DecimalScalar, {
    description: 'With as many decimals as the currency has by ISO 4217: EUR 2, JPY 0, KWD 3.',
  })
  amount!: string;

  @Field(() => CurrencyCodeScalar, { description: 'The currency of the amount.' })
  currencyCode!: string;
}

@InputType({ description: 'An amount of money.' })
export class MoneyInput {
  @Field(() => DecimalScalar, {
    description: 'Not negative, at most 10 digits before the point, no more decimals than the currency has.',
  })
  @ValidateWith((value, owner) => {
    const [whole = '', fraction = ''] = (value as string).split('.');
    if (whole.startsWith('-')) return { code: 'INVALID', message: 'must not be negative' };
    if (whole.length > MAX_PRICE_DIGITS) {
      return { code: 'INVALID', message: `must have at most ${MAX_PRICE_DIGITS} digits before the point` };
    }
    const { currencyCode } = owner as MoneyInput;
    const decimals = currencyDecimals(currencyCode);
    return decimals === null || fraction.length <= decimals
      ? null
      : { code: 'INVALID', message: `must have at most ${decimals} decimals in ${currencyCode}` };
  })
  amount!: string;

  @Field(() => CurrencyCodeScalar, { description: 'A currency of ISO 4217.' })
  @ValidateWith((value) =>
    currencyDecimals(value as string) === null ? { code: 'INVALID', message: 'is not a currency of ISO 4217' } : null,
  )
  currencyCode!: string;
}

/** An amount of PostgreSQL's numeric(14, 4), written with the decimals of its currency. */
export function moneyOf(numeric: string, currencyCode: string): Money {
  const decimals = currencyDecimals(currencyCode) ?? 4;
  const [whole = '0', fraction = ''] = numeric.split('.');
  const amount = decimals === 0 ? whole : `${whole}.${fraction.padEnd(decimals, '0').slice(0, decimals)}`;
  return { amount, currencyCode };
}
