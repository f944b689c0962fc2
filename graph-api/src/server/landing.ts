import type { FastifyInstance, FastifyRequest } from 'fastify';

const PATHS = ['/', '/graphql'];

const EXPLORER_IS_OFF =
  'This is a GraphQL API: send a POST with JSON to /graphql. Its explorer is off; API_DOCS_ACTIVE=true turns it on.\n';

/**
 * Answers a person who opens the API's address in a browser: leads them to the explorer, or says what the address is for.
 * @param explorerPath the explorer's path without slashes at its ends; null where it is off
 */
export function addLanding(server: FastifyInstance, explorerPath: string | null): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (!isVisit(request)) return done();
    void reply.header('vary', 'accept');
    // Relative, so that it also works behind a proxy that adds a prefix.
    if (explorerPath !== null) void reply.redirect(explorerPath);
    else void reply.type('text/plain; charset=utf-8').send(EXPLORER_IS_OFF);
  });
}

/** A browser asks for a page and sends no operation; clients of GraphQL do not ask for HTML. */
function isVisit({ method, url, headers }: FastifyRequest): boolean {
  return method === 'GET' && PATHS.includes(url) && /\btext\/html\b/i.test(headers.accept ?? '');
}
