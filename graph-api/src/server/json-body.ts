import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** A body that is not what it has to be; Fastify's error handler answers with the status and the message. */
export class BodyError extends Error {
  override readonly name = 'BodyError';

  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Takes JSON in UTF-8 alone. Bytes that are something else would otherwise be stored with replacement characters. A form or
 * a script of another site can only send other content types without a preflight, which are refused.
 */
export function acceptJsonOnly(server: FastifyInstance): void {
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const problem = problemOf(request, body);
    if (problem !== undefined) done(problem);
    else void parseJson(request, body.toString('utf8'), done);
  });
}

function problemOf(request: FastifyRequest, body: Buffer): BodyError | undefined {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    return new BodyError(400, 'The body must not be compressed: send it without a content-encoding.');
  }
  // JSON holds no NUL; UTF-16 and UTF-32 hold little else.
  if (!isUtf8(body) || body.includes(0)) return new BodyError(400, 'The body is not encoded in UTF-8.');
  const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    return new BodyError(415, 'The request must be encoded in UTF-8, and its charset must say so.');
  }
  return undefined;
}
