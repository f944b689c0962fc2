import { createRequire } from 'node:module';
import { CURRENCIES_AS_OF, currencyDecimals, isCurrency } from './currencies.js';

interface Period {
  readonly _from?: string;
  readonly _to?: string;
  readonly _tender?: 'false';
}
interface CurrencyData {
  readonly supplemental: { readonly currencyData: { readonly region: Record<string, Array<Record<string, Period>>> } };
}

const require = createRequire(import.meta.url);
const DAY_MS = 86_400_000;
const today = new Date().toISOString().slice(0, 10);

/** By Unicode's CLDR: what is legal tender somewhere today, and what was and is nowhere any more. */
function tenderOfCldr(): { current: Set<string>; ended: Set<string> } {
  const data = require('cldr-core/supplemental/currencyData.json') as CurrencyData;
  const current = new Set<string>();
  const ended = new Set<string>();
  for (const currencies of Object.values(data.supplemental.currencyData.region).flat()) {
    for (const [code, { _from: from, _to: to, _tender: tender }] of Object.entries(currencies)) {
      if (tender === 'false' || from === undefined || from > today) continue;
      (to === undefined || to > today ? current : ended).add(code);
    }
  }
  return { current, ended: new Set([...ended].filter((code) => !current.has(code))) };
}

test('the list was compared with ISO 4217 within the last year: else do it, and say so in CURRENCIES_AS_OF', () => {
  expect(CURRENCIES_AS_OF <= today).toBe(true);
  expect(Date.now() - Date.parse(CURRENCIES_AS_OF)).toBeLessThan(366 * DAY_MS);
});

test('whatever is legal tender today is accepted', () => {
  expect([...tenderOfCldr().current].filter((code) => !isCurrency(code))).toEqual([]);
});

test('what is legal tender nowhere any more is refused', () => {
  // The colón is no tender since 2001, but ISO 4217 lists it.
  expect([...tenderOfCldr().ended].filter((code) => code !== 'SVC' && isCurrency(code))).toEqual([]);
});

test.each<[string, boolean, number | null]>([
  ['EUR', true, 2],
  ['JPY', true, 0],
  ['KWD', true, 3],
  ['CLF', true, 4],
  ['XCG', true, 2],
  ['ZWG', true, 2],
  ['ANG', false, 2],
  ['BGN', false, 2],
  ['CUC', false, 2],
  ['HRK', false, null],
  ['XAU', false, null],
  ['XXX', false, null],
  ['ABC', false, null],
])('%s: a currency of new prices %s, decimals %s', (code, isOne, decimals) => {
  expect([isCurrency(code), currencyDecimals(code)]).toEqual([isOne, decimals]);
});
