import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { isActiveAt, isClientId } from '#/onboarding/clients.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { type AuthorizeDecision, decideAuthorize, refusalAddress } from './authorize-request.ts';
import { callEngine, type EngineAnswer } from './engine-call.ts';
import type { InteractionDeps } from './interaction/flow.ts';
import { prepareForms, sendProblemPage } from './interaction/problem-answers.ts';
import { type Issuer, tenantIssuer } from './issuer.ts';
import type { RateLimits } from './rate-limits.ts';
import { secondsToNextWindow } from './rate-limits.ts';
import { type SegmentRules, segmentOf } from './segment.ts';

/** From one address in a minute (authorization.md 13). */
const AUTHORIZE_PER_MINUTE = 60;

export interface AuthorizeDeps extends InteractionDeps {
  readonly limits: RateLimits;
}

/**
 * The authorization endpoint of a tenant, under `/v1/:tenant`: `/oauth2/authorize[/segment]`, and the address by which the
 * engine goes on after the member's pages.
 */
export function authorizeRoutes(deps: AuthorizeDeps): FastifyPluginAsync {
  return async (server) => {
    prepareForms(server, deps);
    for (const url of ['/oauth2/authorize', '/oauth2/authorize/:segment']) {
      server.get(url, (request, reply) => authorize(deps, request, reply));
      server.post(url, (request, reply) => fromForm(deps, request, reply));
    }
    server.get<{ Params: { uid: string } }>('/oauth2/auth/:uid', async (request, reply) => {
      const issuer = tenantIssuer(deps.tenants, await resolveTenant(deps.tenants, request));
      const answer = await askEngine(deps, issuer, request, `/oauth2/auth/${encodeURIComponent(request.params.uid)}`);
      return passOn(deps, request, reply, issuer, answer);
    });
    server.get('/manage', async (request, reply) => {
      const tenant = await resolveTenant(deps.tenants, request);
      return reply.redirect(`${new URL(deps.tenants.issuer(tenant)).origin}/member/${tenant.slug}/sharing`, 303);
    });
  };
}

/** SMART: a post with the same parameters is the same request. It goes on as the one that can be reloaded. */
async function fromForm(deps: AuthorizeDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const tenant = await resolveTenant(deps.tenants, request);
  const { segment } = request.params as { segment?: string };
  if (!segmentOf(segment, tenant)) return sendProblemPage(deps, request, reply, tenant, 'plan', 404);
  const parameters = new URLSearchParams(queryOf(request));
  for (const [name, value] of new URLSearchParams(String(request.body ?? ''))) parameters.append(name, value);
  const path = segment === undefined ? '' : `/${segment}`;
  return reply
    .code(303)
    .header('cache-control', 'no-store')
    .header('location', `${deps.tenants.issuer(tenant)}/oauth2/authorize${path}?${parameters}`)
    .send();
}

async function authorize(deps: AuthorizeDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const tenant = await resolveTenant(deps.tenants, request);
  const { segment } = request.params as { segment?: string };
  const rules = segmentOf(segment, tenant);
  if (!rules) return sendProblemPage(deps, request, reply, tenant, 'plan', 404);
  const issuer = tenantIssuer(deps.tenants, tenant);
  // Under an alias of the plan the cookies of what follows would be lost: the pages are at its canonical address.
  if (isAlias(request, tenant, issuer))
    return reply
      .code(303)
      .header('cache-control', 'no-store')
      .header(
        'location',
        `${issuer.url}/oauth2/authorize${segment === undefined ? '' : `/${segment}`}?${queryOf(request)}`,
      )
      .send();
  const { added } = await deps.limits.count(tenant.id, { add: `authorize:${request.ip}` });
  if (added > AUTHORIZE_PER_MINUTE) {
    reply.header('retry-after', String(secondsToNextWindow(new Date())));
    return sendProblemPage(deps, request, reply, tenant, 'ours', 429);
  }

  const sent = new URLSearchParams(queryOf(request));
  const clientId = sent.get('client_id') ?? '';
  const found = isClientId(clientId) ? await deps.clients.find(clientId) : undefined;
  const client = found && isActiveAt(found, tenant) ? found : undefined;
  if (client) request.logFacts.client = client.clientId;
  const decision = decideAuthorize(sent, { rules, client, issuer });
  if (decision.kind === 'go') {
    const answer = await askEngine(deps, issuer, request, `/oauth2/auth?${new URLSearchParams(decision.parameters)}`);
    return passOn(deps, request, reply, issuer, answer);
  }
  await recordRefusal(deps, request, tenant, rules, decision, client?.clientId);
  if (decision.kind === 'page') return sendProblemPage(deps, request, reply, tenant, 'app', 400);
  return reply
    .code(303)
    .header('cache-control', 'no-store')
    .header('location', refusalAddress(decision, issuer.url))
    .send();
}

async function askEngine(
  deps: AuthorizeDeps,
  issuer: Issuer,
  request: FastifyRequest,
  path: string,
): Promise<EngineAnswer> {
  const engine = await deps.engines.of(issuer);
  const { cookie } = request.headers;
  return callEngine(engine, issuer, {
    method: 'GET',
    path,
    headers: { accept: 'text/html', ...(cookie === undefined ? {} : { cookie }) },
  });
}

/** The engine's redirects and cookies go to the browser; its refusals become a page of ours. */
function passOn(
  deps: AuthorizeDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  issuer: Issuer,
  answer: EngineAnswer,
): FastifyReply {
  const cookies = answer.headers['set-cookie'];
  if (cookies !== undefined) reply.header('set-cookie', cookies as string | string[]);
  const { location } = answer.headers;
  if (answer.status >= 300 && answer.status < 400 && typeof location === 'string')
    return reply.code(303).header('cache-control', 'no-store').header('location', location).send();
  return sendProblemPage(
    deps,
    request,
    reply,
    issuer.tenant,
    answer.status >= 500 ? 'ours' : 'ended',
    answer.status >= 500 ? 500 : 400,
  );
}

/** Only routing follows the Host header; that the caller came by an alias is all that is read of it here. */
function isAlias(request: FastifyRequest, tenant: Tenant, issuer: Issuer): boolean {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  return tenant.hosts.includes(host) && host !== new URL(issuer.url).hostname;
}

function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

async function recordRefusal(
  deps: AuthorizeDeps,
  request: FastifyRequest,
  tenant: Tenant,
  rules: SegmentRules,
  decision: Exclude<AuthorizeDecision, { kind: 'go' }>,
  client: string | undefined,
): Promise<void> {
  await deps.audit.append(tenant.id, {
    action: 'authorize.refuse',
    outcome: 'refused',
    client,
    requestId: request.id,
    address: request.ip,
    facts: {
      segment: rules.segment,
      redirected: decision.kind === 'refuse',
      ...(decision.kind === 'refuse' ? { error: decision.error } : { reason: decision.reason }),
    },
  });
}
