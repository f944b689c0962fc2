import currencyCodes from 'currency-codes';

/** The day on which the list below was compared with ISO 4217; a test fails when it is more than a year ago. */
export const CURRENCIES_AS_OF = '2026-11-25';

interface Amendment {
  readonly code: string;
  readonly decimals: number;
  /** Whether the currency is withdrawn: stored prices keep it, new ones are refused. */
  readonly withdrawn: boolean;
}

/** What ISO 4217 changed after the data of `currency-codes` (25 June 2024). */
const AMENDMENTS: readonly Amendment[] = [
  // Number 176: the Caribbean guilder replaces the Netherlands Antillean guilder, 31 March 2025.
  { code: 'XCG', decimals: 2, withdrawn: false },
  { code: 'ANG', decimals: 2, withdrawn: true },
  // The convertible peso ended on 30 June 2021 and was withdrawn afterwards.
  { code: 'CUC', decimals: 2, withdrawn: true },
  // Number 180: Bulgaria has the euro, 1 January 2026.
  { code: 'BGN', decimals: 2, withdrawn: true },
];

/** Metals, bond units, the test code and "no currency": ISO 4217 lists them without minor units. */
const NOT_MONEY = new Set(['XAU', 'XAG', 'XPD', 'XPT', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XSU', 'XUA', 'XTS', 'XXX']);

const DECIMALS: ReadonlyMap<string, number> = new Map([
  ...currencyCodes.data
    .filter(({ code }) => !NOT_MONEY.has(code))
    .map(({ code, digits }): [string, number] => [code, digits]),
  ...AMENDMENTS.map(({ code, decimals }): [string, number] => [code, decimals]),
]);

const WITHDRAWN = new Set(AMENDMENTS.filter(({ withdrawn }) => withdrawn).map(({ code }) => code));

/** Whether a new price may have this currency: ISO 4217 lists it, and it is one of trade. */
export function isCurrency(currencyCode: string): boolean {
  return DECIMALS.has(currencyCode) && !WITHDRAWN.has(currencyCode);
}

/** How many decimals the currency has by ISO 4217, also where it is withdrawn; null where the code is unknown. */
export function currencyDecimals(currencyCode: string): number | null {
  return DECIMALS.get(currencyCode) ?? null;
}
