import { bearerToken } from './authorization-header.js';

test.each(['', ',', '   ', '\t', 'Bearer', 'bearer ', 'Bearer    ', 'BEARER\t'])('%j is as no header', (header) => {
  expect(bearerToken([header])).toBeNull();
});

test.each(['Bearer a.b.c', 'bearer a.b.c', '  Bearer   a.b.c  ', 'Bearer\ta.b.c'])('%j holds the token', (header) => {
  expect(bearerToken([header])).toBe('a.b.c');
});

test('no header at all holds no token', () => {
  expect(bearerToken([])).toBeNull();
});

test.each([
  [['', 'Bearer a.b.c']],
  [['Bearer', 'Bearer a.b.c']],
  [['Bearer a.b.c', 'bearer  a.b.c']],
  [['Bearer a.b.c, Bearer a.b.c']],
  [['Bearer a.b.c,']],
])('%j holds one token', (headers) => {
  expect(bearerToken(headers)).toBe('a.b.c');
});

test.each([
  [['Bearer a.b.c', 'Bearer d.e.f'], 'several different tokens'],
  [['Bearer a.b.c, Bearer d.e.f'], 'several different tokens'],
  [['Bearer a.b.c', 'Basic dXNlcjpwYXNz'], 'the scheme "Basic"'],
  [['', 'Bearer null'], '"Bearer null"'],
])('%j is refused: none of them wins', (headers, named) => {
  expect(() => bearerToken(headers)).toThrow(named);
});

test.each([
  ['Bearer null', '"Bearer null"'],
  ['Bearer undefined', '"Bearer undefined"'],
  ['bearer NULL', '"Bearer NULL"'],
  ['Bearer [object Object]', '"Bearer [object"'],
  ['Basic dXNlcjpwYXNz', 'the scheme "Basic"'],
  ['Basic', 'the scheme "Basic"'],
  ['Token abc', 'the scheme "Token"'],
  ['Bearer a b', '2 parts'],
  ['Bearer Bearer a.b.c', '2 parts'],
  ['null', 'a value without that scheme'],
])('%j is refused, and the message names what came', (header, named) => {
  expect(() => bearerToken([header])).toThrow(named);
});

test.each(['eyJhbGciOi.secret.secret', 'Basic dXNlcjpwYXNz', 'dXNlcjpwYXNz more', 'Bearer one-secret two-secret'])(
  'the message never repeats what may be a secret: %j',
  (header) => {
    expect(() => bearerToken([header])).toThrow(/^(?!.*(secret|dXNlcjpwYXNz))/);
  },
);
