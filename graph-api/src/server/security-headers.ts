/**
 * Headers of every answer, also of errors: no content sniffing, no framing, no referrer, nothing loaded from an answer that
 * a browser shows as a page. The explorer's page has a policy of its own.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
