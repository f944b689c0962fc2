import type { IncomingMessage } from 'node:http';
import { unauthenticated } from '../graphql/errors.js';

/** Every Authorization header of the request. `headersDistinct` costs some µs, which a request without a token need not pay. */
export function authorizationHeaders({ headers, headersDistinct }: IncomingMessage): readonly string[] {
  return headers.authorization === undefined ? [] : (headersDistinct['authorization'] ?? []);
}

/** What a client writes in the place of a token that it does not have. */
const NO_TOKEN = new Set(['null', 'undefined', '[object', 'none', 'false', 'nan']);

/**
 * The token of a request's Authorization headers. The same token twice, in two headers or in one that a proxy joined with a
 * comma, counts once; Node's own `headers.authorization` is the first alone, behind which a token would be overlooked.
 * @param headers every Authorization header of the request, in their order
 * @returns null where there is no token
 * @throws UNAUTHENTICATED for different tokens, and as `tokenOf`
 */
export function bearerToken(headers: readonly string[]): string | null {
  const tokens = new Set(headers.flatMap((header) => header.split(',')).map(tokenOf));
  tokens.delete(null);
  if (tokens.size > 1) throw unauthenticated(`${FORM}, once, and several different tokens came.`);
  return [...tokens][0] ?? null;
}

/**
 * The token of one header. An empty header, and `Bearer` with nothing behind it, are what clients send whose user is not
 * logged in: they count as no header.
 * @returns null where there is no token
 * @throws UNAUTHENTICATED for another scheme and for what is no token; the message names it, unless it could be a secret
 */
function tokenOf(header: string): string | null {
  const [scheme = '', ...rest] = header.trim().split(/\s+/);
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
