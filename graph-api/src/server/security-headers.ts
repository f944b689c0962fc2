/**
 * Headers of every answer, also of errors: no content sniffing, no framing, no referrer, nothing loaded from an answer that
 * a browser shows as a page, nothing kept by caches: a rating that a cache keeps is an old rating. The explorer's files have a
 * policy and caching of their own.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
