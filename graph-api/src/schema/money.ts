import currencyCodes from 'currency-codes';
import type { Money } from './product.js';

/** Metals, bond units, the test code and "no currency": ISO 4217 lists them without minor units. */
const NOT_MONEY = new Set(['XAU', 'XAG', 'XPD', 'XPT', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XSU', 'XUA', 'XTS', 'XXX']);

const DECIMALS: ReadonlyMap<string, number> = new Map(
  currencyCodes.data.filter(({ code }) => !NOT_MONEY.has(code)).map(({ code, digits }) => [code, digits]),
);

/** How many decimals the currency has by ISO 4217; null where the code is unknown, or names no currency of trade. */
export function currencyDecimals(currencyCode: string): number | null {
  return DECIMALS.get(currencyCode) ?? null;
}

/** An amount of PostgreSQL's numeric(14, 4), written with the decimals of its currency. */
export function moneyOf(numeric: string, currencyCode: string): Money {
  const decimals = currencyDecimals(currencyCode) ?? 4;
  const [whole = '0', fraction = ''] = numeric.split('.');
  const amount = decimals === 0 ? whole : `${whole}.${fraction.padEnd(decimals, '0').slice(0, decimals)}`;
  return { amount, currencyCode };
}
