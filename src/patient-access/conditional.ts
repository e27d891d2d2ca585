import type { FastifyRequest } from 'fastify';

/**
 * Has the caller this version already? `If-None-Match` decides where it is given, else `If-Modified-Since`, to the second.
 *
 * Source: RFC 9110 13.1; FHIR R4 http.html#cread
 */
export function isUnchanged(
  request: Pick<FastifyRequest, 'headers'>,
  { version, lastUpdated }: { readonly version: number; readonly lastUpdated: Date },
): boolean {
  const tags = request.headers['if-none-match'];
  if (tags !== undefined)
    return tags
      .split(',')
      .map((tag) => tag.trim().replace(/^W\//, ''))
      .some((tag) => tag === '*' || tag === `"${version}"`);
  const since = Date.parse(request.headers['if-modified-since'] ?? '');
  return !Number.isNaN(since) && Math.floor(lastUpdated.getTime() / 1000) * 1000 <= since;
}
