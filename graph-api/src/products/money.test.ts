import 'reflect-metadata';
import { moneyOf } from './money.js';

test.each<[string, string, string]>([
  ['19.9900', 'EUR', '19.99'],
  ['19.0000', 'EUR', '19.00'],
  ['0.0000', 'EUR', '0.00'],
  ['1234.0000', 'JPY', '1234'],
  ['1200.0000', 'JPY', '1200'],
  ['1.5000', 'KWD', '1.500'],
  ['9999999999.9999', 'CLF', '9999999999.9999'],
  // Imported with more decimals than the currency has: never cut.
  ['19.9950', 'EUR', '19.995'],
  ['10.5000', 'JPY', '10.5'],
  ['0.0001', 'USD', '0.0001'],
  ['7.1000', 'BGN', '7.10'],
  ['7.1000', 'ZZZ', '7.1000'],
])('%s %s is shown as %s', (numeric, currencyCode, amount) => {
  expect(moneyOf(numeric, currencyCode)).toEqual({ amount, currencyCode });
});
