import { EXAMPLES, PRODUCT_ID } from './examples.js';

/** Whose pages may call the API while the explorer is on: it links there. */
export const APOLLO_SANDBOX_ORIGIN = 'https://studio.apollographql.com';

/** The page loads from and calls its own origin only, and nobody may frame it. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // GraphiQL's components write style elements.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface ExplorerPageOptions {
  /** The page's path without slashes at its ends, such as `api` or `docs/api`. */
  readonly path: string;
  /** Whether the browser keeps the token for the next visit, or only for as long as the tab is open. */
  readonly keepToken: boolean;
}

/** The page. All addresses in it are relative, so that it also works behind a proxy that adds a prefix. */
export function explorerPage({ path, keepToken }: ExplorerPageOptions): string {
  const segments = path.split('/');
  const assets = segments.at(-1)!;
  const settings = {
    endpoint: `${'../'.repeat(segments.length - 1)}graphql`,
    keepToken,
    sandbox: `${APOLLO_SANDBOX_ORIGIN}/sandbox/explorer`,
    examples: EXAMPLES,
    productIdPlaceholder: PRODUCT_ID,
  };
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="robots" content="noindex">
    <title>exact-ratings: API explorer</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${assets}/graphiql.min.css">
    <link rel="stylesheet" href="${assets}/explorer.css">
  </head>
  <body>
    <header>
      <label>Token <input id="token" type="password" autocomplete="off" spellcheck="false" placeholder="Bearer token; reading needs none"></label>
      <button id="restore" type="button">Restore the examples</button>
      <a id="sandbox" target="_blank" rel="noopener noreferrer">Open in Apollo Sandbox</a>
    </header>
    <main id="explorer"><p>Loading …</p></main>
    <script type="application/json" id="settings">${JSON.stringify(settings).replaceAll('<', '\\u003c')}</script>
    <script src="${assets}/react.production.min.js"></script>
    <script src="${assets}/react-dom.production.min.js"></script>
    <script src="${assets}/graphiql.min.js"></script>
    <script src="${assets}/explorer.js"></script>
  </body>
</html>
`;
}
