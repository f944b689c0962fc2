import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CONTENT_SECURITY_POLICY, explorerPage, type ExplorerPageOptions } from './explorer-page.js';

/** Where the build puts the explorer's files; the same seen from `src` and from `dist`. */
export const ASSETS_DIRECTORY = fileURLToPath(new URL('../../dist/explorer/assets/', import.meta.url));

const ASSETS: Readonly<Record<string, string>> = {
  'explorer.css': 'text/css; charset=utf-8',
  'explorer.js': 'text/javascript; charset=utf-8',
  'graphiql.min.css': 'text/css; charset=utf-8',
  'graphiql.min.js': 'text/javascript; charset=utf-8',
  'licences.txt': 'text/plain; charset=utf-8',
  'react-dom.production.min.js': 'text/javascript; charset=utf-8',
  'react.production.min.js': 'text/javascript; charset=utf-8',
};

/**
 * Serves GraphiQL at `/<path>`, with nothing from elsewhere.
 * @throws an error that names the build where the files are missing
 */
export async function addExplorer(server: FastifyInstance, options: ExplorerPageOptions): Promise<void> {
  const page = Buffer.from(explorerPage(options));
  const route = `/${options.path}`;
  server.get(route, serve(page, 'text/html; charset=utf-8'));
  // The page's addresses are relative to the path without a slash at its end.
  server.get(`${route}/`, (_request, reply) => reply.redirect(`../${options.path.split('/').at(-1)}`, 308));
  for (const [name, type] of Object.entries(ASSETS)) {
    server.get(`${route}/${name}`, serve(await readAsset(name), type));
  }
}

async function readAsset(name: string): Promise<Buffer> {
  try {
    return await readFile(join(ASSETS_DIRECTORY, name));
  } catch (error) {
    throw new Error(`API_DOCS_ACTIVE needs ${name} in ${ASSETS_DIRECTORY}: run \`npm run build\``, { cause: error });
  }
}

/** Browsers ask each time and get 304 while nothing changed, so that an update is seen at once. */
function serve(body: Buffer, type: string) {
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    void reply.headers({
      etag,
      'cache-control': 'no-cache',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type(type).send(body);
  };
}
