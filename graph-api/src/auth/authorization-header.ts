import { unauthenticated } from '../graphql/errors.js';

/** What a client writes in the place of a token that it does not have. */
const NO_TOKEN = new Set(['null', 'undefined', '[object', 'none', 'false', 'nan']);

/**
 * The token of an Authorization header. An empty header, and `Bearer` with nothing behind it, are what clients send whose
 * user is not logged in: they count as no header.
 * @returns null where there is no token
 * @throws UNAUTHENTICATED for another scheme and for what is no token; the message names it, unless it could be a secret
 */
export function bearerToken(header: string | undefined): string | null {
  const [scheme = '', ...rest] = (header ?? '').trim().split(/\s+/);
  if (scheme === '') return null;
  if (scheme.toLowerCase() !== 'bearer') throw unauthenticated(`${FORM}, not ${nameOfScheme(scheme)}.`);
  const [token, ...more] = rest;
  if (token === undefined) return null;
  if (NO_TOKEN.has(token.toLowerCase())) {
    throw unauthenticated(`${FORM}, not "Bearer ${token}": the client has no token to send, so leave the header out.`);
  }
  if (more.length > 0)
    throw unauthenticated(`${FORM}: one token, without blanks, and this one has ${rest.length} parts.`);
  return token;
}

const FORM = 'The Authorization header must be "Bearer <token>"';

/** The schemes of IANA's registry, and what else clients send. Any other word may be a token, and is not repeated. */
const SCHEMES = new Set([
  ...['basic', 'digest', 'dpop', 'gnap', 'hoba', 'mutual', 'negotiate', 'ntlm', 'oauth', 'vapid'],
  ...['token', 'jwt', 'apikey', 'api-key', 'key'],
]);

function nameOfScheme(scheme: string): string {
  return SCHEMES.has(scheme.toLowerCase()) ? `the scheme "${scheme}"` : 'a value without that scheme';
}
