import { bearerToken } from './authorization-header.js';

test.each([undefined, '', '   ', '\t', 'Bearer', 'bearer ', 'Bearer    ', 'BEARER\t'])(
  '%j is as no header',
  (header) => {
    expect(bearerToken(header)).toBeNull();
  },
);

test.each(['Bearer a.b.c', 'bearer a.b.c', '  Bearer   a.b.c  ', 'Bearer\ta.b.c'])('%j holds the token', (header) => {
  expect(bearerToken(header)).toBe('a.b.c');
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
  expect(() => bearerToken(header)).toThrow(named);
});

test.each(['eyJhbGciOi.secret.secret', 'Basic dXNlcjpwYXNz', 'dXNlcjpwYXNz more', 'Bearer one-secret two-secret'])(
  'the message never repeats what may be a secret: %j',
  (header) => {
    expect(() => bearerToken(header)).toThrow(/^(?!.*(secret|dXNlcjpwYXNz))/);
  },
);
