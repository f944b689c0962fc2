import { Field, InputType, ObjectType } from 'type-graphql';
import { ValidateWith } from '../graphql/input-validation.js';
import { CurrencyCodeScalar, DecimalScalar } from '../graphql/scalars.js';
import { UserErrorCode } from '../graphql/user-error.js';
import { currencyDecimals, isCurrency } from './currencies.js';

const MAX_PRICE_DIGITS = 10;

@ObjectType({ description: 'An amount of money.', simpleResolvers: true })
export class Money {
  @Field(() => DecimalScalar, {
    description:
      'Exact, with as many decimals as the currency has by ISO 4217 (EUR 2, JPY 0, KWD 3), or more where it needs them.',
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
    if (whole.startsWith('-')) return { code: UserErrorCode.INVALID, message: 'must not be negative' };
    if (whole.length > MAX_PRICE_DIGITS) {
      return { code: UserErrorCode.INVALID, message: `must have at most ${MAX_PRICE_DIGITS} digits before the point` };
    }
    const { currencyCode } = owner as MoneyInput;
    const decimals = currencyDecimals(currencyCode);
    return decimals === null || fraction.length <= decimals
      ? null
      : { code: UserErrorCode.INVALID, message: `must have at most ${decimals} decimals in ${currencyCode}` };
  })
  amount!: string;

  @Field(() => CurrencyCodeScalar, { description: 'A currency of ISO 4217.' })
  @ValidateWith((value) =>
    isCurrency(value as string)
      ? null
      : { code: UserErrorCode.INVALID, message: 'is not a currency of ISO 4217 today' },
  )
  currencyCode!: string;
}

/**
 * An amount of PostgreSQL's numeric(14, 4), exactly: with the decimals of its currency, and with more where the stored
 * amount has more (an import may write what the API refuses).
 */
export function moneyOf(numeric: string, currencyCode: string): Money {
  const decimals = currencyDecimals(currencyCode) ?? 4;
  const [whole = '0', stored = ''] = numeric.split('.');
  const fraction = stored.replace(/0{1,4}$/, '').padEnd(decimals, '0');
  return { amount: fraction === '' ? whole : `${whole}.${fraction}`, currencyCode };
}
