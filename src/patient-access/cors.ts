import type { FastifyInstance } from 'fastify';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';

const ALLOWED = 'Authorization, Content-Type, Accept, Prefer, If-None-Match, If-Modified-Since, X-Request-Id';
const EXPOSED =
  'ETag, Last-Modified, Location, Content-Location, Retry-After, X-Request-Id, WWW-Authenticate, X-Progress';

/**
 * Opens the FHIR base to programs of any origin in a browser. Nothing but a bearer token counts there, never a cookie, so an
 * origin tells nothing. Call it where all of the FHIR base is mounted.
 *
 * Source: patient-access.md 2.8.
 */
export function openToOrigins(tenant: FastifyInstance): void {
  tenant.addHook('onRequest', async (request, reply) => {
    const path = request.routeOptions.url?.replace('/v1/:tenant', '') ?? '';
    if (FHIR_BASES.some((base) => path === base || path.startsWith(`${base}/`)))
      reply.headers({ 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED });
  });
  for (const base of FHIR_BASES)
    for (const url of [base, `${base}/*`])
      tenant.options(url, async (_request, reply) =>
        reply
          .code(204)
          .headers({
            'access-control-allow-methods': 'GET, HEAD, POST, DELETE, OPTIONS',
            'access-control-allow-headers': ALLOWED,
            'access-control-max-age': '600',
          })
          .send(),
      );
}
