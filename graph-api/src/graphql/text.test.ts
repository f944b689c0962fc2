import fc from 'fast-check';
import { balanceBidi } from './bidi.js';
import { cleanText, type TextKind } from './text.js';

const clean = (text: string, kind: TextKind): string => {
  const cleaned = cleanText(text, kind);
  if (!cleaned.ok) throw new Error(`refused: ${cleaned.problem}`);
  return cleaned.text;
};

test.each([
  ['white space around it', ' SKU123 \n'],
  ['a no-break space', '\u00a0SKU123'],
  ['an ideographic space', 'SKU123\u3000'],
  ['a zero-width space', '\u200bSKU123'],
  ['a zero-width space inside', 'SKU\u200b123'],
  ['a byte order mark', '\ufeffSKU123'],
  ['a soft hyphen', 'SKU\u00ad123'],
  ['a word joiner', 'SKU\u2060123'],
  ['a zero-width joiner', 'SKU123\u200d'],
  ['a right-to-left mark', '\u200fSKU123'],
  ['an override', '\u202dSKU123\u202c'],
  ['an isolate', '\u2068SKU123\u2069'],
  ['a variation selector', 'SKU123\ufe0f'],
  ['a Hangul filler', 'SKU123\u3164'],
  ['an invisible tag', 'SKU123\u{e0041}'],
])('an identifier with %s is the same identifier', (_what, text) => {
  expect(clean(text, 'identifier')).toBe('SKU123');
});

test('identifiers that look the same are the same: NFC, and one kind of space', () => {
  expect(clean('cafe\u0301', 'identifier')).toBe('caf\u00e9');
  expect(clean('\u212b', 'identifier')).toBe('\u00c5');
  expect(clean('A\u00a01', 'identifier')).toBe('A 1');
  expect(clean('A\t1', 'identifier')).toBe('A 1');
});

test.each<[string, string, string]>([
  ['white space around it', ' \u00a0Lamp\u3000\n', 'Lamp'],
  ['invisible characters around it', '\ufeff\u200bLamp\u2060', 'Lamp'],
  ['spaces inside', 'A  B\u00a0C', 'A  B\u00a0C'],
  ['a tab and a vertical tab inside', 'A\tB\vC\fD', 'A B C D'],
  [
    'emoji of several code points',
    '\u2764\ufe0f 👩\u200d👩\u200d👧 🏴\u{e0067}\u{e007f}',
    '\u2764\ufe0f 👩\u200d👩\u200d👧 🏴\u{e0067}\u{e007f}',
  ],
  ['decomposed letters', 'cafe\u0301', 'cafe\u0301'],
  ['letters of Windows-1252', '\u0093Gut\u0094 \u0096 5\u0080\u0085', '“Gut” – 5€…'],
  ['an override', 'a\u202eb', 'ab'],
  ['an override with its end, and space', '\u202e ab\u202c', 'ab'],
])('a line with %s', (_what, text, expected) => {
  expect(clean(text, 'line')).toBe(expected);
});

test('longer texts keep their white space; vertical tabs and form feeds are line breaks', () => {
  expect(clean('  One\r\n\tTwo\vThree\fFour \u2028', 'lines')).toBe('  One\r\n\tTwo\nThree\nFour \u2028');
});

test.each<[string, TextKind, string]>([
  ['ab\u0007', 'lines', 'has a control character (U+0007) at position 3'],
  ['👩👩\0', 'lines', 'has a control character (U+0000) at position 3'],
  ['\u001b[31m', 'lines', 'has a control character (U+001B) at position 1'],
  ['\u007f', 'line', 'has a control character (U+007F) at position 1'],
  ['a\u008d', 'line', 'has a control character (U+008D) at position 2'],
  ['a\ud800b', 'line', 'has half of a surrogate pair (U+D800) at position 2'],
  ['\udc00', 'identifier', 'has half of a surrogate pair (U+DC00) at position 1'],
  [' a\nb', 'line', 'has a line break (U+000A) at position 3'],
  ['a\u2028b', 'identifier', 'has a line break (U+2028) at position 2'],
])('%j as %s is refused by code point and position', (text, kind, problem) => {
  expect(cleanText(text, kind)).toEqual({ ok: false, problem });
});

test.each<[string, string, string]>([
  ['a balanced embedding', '\u202bשלום\u202c!', '\u202bשלום\u202c!'],
  ['a balanced isolate', 'a \u2067שלום\u2069 b', 'a \u2067שלום\u2069 b'],
  ['both, nested', '\u2067a\u202bb\u202cc\u2069', '\u2067a\u202bb\u202cc\u2069'],
  ['a lone override', 'a\u202eb', 'ab'],
  ['an override with its end', 'a\u202eb\u202cc', 'abc'],
  ['an embedding without end', 'a\u202bb', 'ab'],
  ['an isolate without end', 'a\u2066b', 'ab'],
  ['ends without beginning', 'a\u202cb\u2069c', 'abc'],
  ['an embedding that its isolate closes', '\u2067a\u202bb\u2069c', '\u2067ab\u2069c'],
  ['an embedding that an isolate cannot close', '\u202ba\u2067b\u202cc\u2069d\u202c', '\u202ba\u2067bc\u2069d\u202c'],
  ['an embedding over two paragraphs', '\u202ba\nb\u202cc', 'a\nbc'],
])('%s', (_what, text, expected) => {
  expect(balanceBidi(Array.from(text)).join('')).toBe(expected);
});

const anyText = fc.array(
  fc.oneof(
    fc.constantFrom(
      ...Array.from(
        'ab \t\n\v\f\u0085\u0093\u200b\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u0301e\u1100\u1161',
      ),
    ),
    fc.string({ unit: 'binary', maxLength: 1 }),
  ),
  { maxLength: 30 },
);

test.each<TextKind>(['identifier', 'line', 'lines'])('cleaning %s twice is cleaning once', (kind) => {
  fc.assert(
    fc.property(anyText, (parts) => {
      const cleaned = cleanText(parts.join(''), kind);
      fc.pre(cleaned.ok);
      expect(cleanText(cleaned.text, kind)).toEqual(cleaned);
      expect(cleaned.text).not.toMatch(/[\u0080-\u009f\v\f\u202d\u202e]/);
    }),
    { numRuns: 2_000 },
  );
});

test('a huge text of white space is cleaned in linear time', () => {
  const text = `${' '.repeat(200_000)}a${' '.repeat(200_000)}\u0301`;
  const began = performance.now();
  clean(text, 'line');
  expect(performance.now() - began).toBeLessThan(1_000);
});
