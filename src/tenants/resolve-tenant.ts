import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { Refusal } from '#/platform/refusal.ts';
import type { Tenant, Tenants } from './tenants.ts';

/**
 * The tenant that the address `/v1/:tenant/...` names.
 *
 * @throws Refusal `unknown-tenant`; each surface answers 404 in its own form
 */
export async function resolveTenant(tenants: Tenants, request: FastifyRequest): Promise<Tenant> {
  const { tenant: slug } = request.params as { tenant?: string };
  const tenant = slug === undefined ? undefined : await tenants.bySlug(slug);
  if (!tenant) throw new Refusal('unknown-tenant');
  request.logFacts.tenant = tenant.slug;
  request.logFacts.environment = tenant.kind;
  return tenant;
}

/** Paths that are the platform's own also under a tenant's host name. */
const PLATFORM_PATH =
  /^\/(v1|auth|portal|member|console|sandbox-app|api|assets|favicon\.ico|healthz|readyz|metrics)(\/|\?|$)/;

/**
 * Under a tenant's own host name the prefix /v1/{slug} falls away: `demo.localhost/r4/Patient` is
 * `/v1/demo/r4/Patient`. Only routing follows the Host header; links never do.
 *
 * @param slugOfHost answers at once, from memory
 */
export function makePathRewriter(
  slugOfHost: (host: string) => string | undefined,
): (request: IncomingMessage) => string {
  return (request) => {
    const path = request.url ?? '/';
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const slug = slugOfHost(host);
    return slug === undefined || PLATFORM_PATH.test(path) ? path : `/v1/${slug}${path}`;
  };
}
