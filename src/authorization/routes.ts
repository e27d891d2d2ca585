import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import { issuerMetadata, smartConfiguration } from './discovery.ts';
import { introspect, revoke, type TenantCall, type TokenStateDeps } from './introspection.ts';
import {
  INTROSPECTION_PATH,
  type Issuer,
  PLATFORM_ISSUER_PATH,
  platformIssuer,
  REVOCATION_PATH,
  tenantIssuer,
} from './issuer.ts';
import { noStore, renderOAuthError } from './oauth-errors.ts';
import { invalidRequest, OAuthRefusal } from './oauth-refusal.ts';
import { issueToken, type OAuthCall, type TokenDeps } from './token-endpoint.ts';

/** A token request has some hundred bytes; scopes may make it a few thousand. */
const BODY_BYTES_MAX = 64 * 1024;
const KEYS_MAX_AGE_SECONDS = 300;

export interface AuthorizationRouteDeps extends TokenDeps, TokenStateDeps {
  readonly tenants: Tenants;
  readonly publicUrl: string;
}

/** The platform's own issuer, to be mounted at the root. */
export function platformIssuerRoutes(deps: AuthorizationRouteDeps): FastifyPluginAsync {
  const issuer = platformIssuer(deps.publicUrl);
  return async (server) => {
    prepare(server);
    formRoute(server, `${PLATFORM_ISSUER_PATH}/protocol/openid-connect/token`, (request, reply) =>
      sendToken(deps, issuer, request, reply),
    );
    server.get(`${PLATFORM_ISSUER_PATH}/protocol/openid-connect/certs`, async (_request, reply) =>
      sendKeys(deps, issuer, reply),
    );
    server.get(`${PLATFORM_ISSUER_PATH}/.well-known/openid-configuration`, async (_request, reply) =>
      sendDocument(reply, issuerMetadata(issuer)),
    );
    // RFC 8414 3.1: between host and path of the issuer.
    server.get<{ Params: { '*': string } }>('/.well-known/oauth-authorization-server/*', async (request, reply) => {
      const url = `${deps.publicUrl}/${request.params['*']}`;
      const tenant = (await deps.tenants.list()).find((candidate) => deps.tenants.issuer(candidate) === url);
      if (tenant) return sendDocument(reply, issuerMetadata(tenantIssuer(deps.tenants, tenant)));
      return url === issuer.url ? sendDocument(reply, issuerMetadata(issuer)) : reply.callNotFound();
    });
  };
}

/** A tenant's issuer, to be mounted under `/v1/:tenant`. */
export function tenantIssuerRoutes(deps: AuthorizationRouteDeps): FastifyPluginAsync {
  const tenantOf = (request: FastifyRequest): Promise<Tenant> => resolveTenant(deps.tenants, request);
  const issuerOf = async (request: FastifyRequest): Promise<Issuer> =>
    tenantIssuer(deps.tenants, await tenantOf(request));
  const callOf = async (request: FastifyRequest, endpoint: string): Promise<TenantCall> => {
    const tenant = await tenantOf(request);
    const issuer = tenantIssuer(deps.tenants, tenant);
    return { ...oauthCall(request, issuer, `${issuer.url}${endpoint}`), tenant };
  };
  return async (server) => {
    prepare(server);
    formRoute(server, '/oauth2/token', async (request, reply) =>
      sendToken(deps, await issuerOf(request), request, reply),
    );
    formRoute(server, INTROSPECTION_PATH, async (request, reply) =>
      reply.send(await introspect(deps, await callOf(request, INTROSPECTION_PATH))),
    );
    formRoute(server, REVOCATION_PATH, async (request, reply) => {
      await revoke(deps, await callOf(request, REVOCATION_PATH));
      return reply.code(200).send();
    });
    server.get('/oauth2/jwks', async (request, reply) => sendKeys(deps, await issuerOf(request), reply));
    for (const document of ['openid-configuration', 'oauth-authorization-server'])
      server.get(`/.well-known/${document}`, async (request, reply) =>
        sendDocument(reply, issuerMetadata(await issuerOf(request))),
      );
    for (const base of FHIR_BASES)
      server.get(`${base}/.well-known/smart-configuration`, async (request, reply) =>
        sendDocument(reply, smartConfiguration(await issuerOf(request))),
      );
  };
}

/** Form bodies only, and every error in the words of RFC 6749. */
function prepare(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => {
      done(null, body.toString('utf8'));
    },
  );
  server.setErrorHandler(renderOAuthError);
}

/** A POST that takes a form, open to pages of any origin: the client's credentials are in it, never a cookie. */
function formRoute(
  server: FastifyInstance,
  url: string,
  answer: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  server.post(url, async (request, reply) => answer(request, open(noStore(reply))));
  server.options(url, async (_request, reply) =>
    open(reply)
      .headers({
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'Authorization, Content-Type, Accept, X-Request-Id',
        'access-control-max-age': '600',
      })
      .code(204)
      .send(),
  );
  server.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url,
    handler: async () => {
      throw new OAuthRefusal(405, 'invalid_request', 'This address takes POST only.', { allow: 'POST, OPTIONS' });
    },
  });
}

async function sendToken(
  deps: TokenDeps,
  issuer: Issuer,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { clientId, body } = await issueToken(deps, oauthCall(request, issuer, issuer.tokenEndpoint));
  request.logFacts.client = clientId;
  return reply.send(body);
}

function oauthCall(request: FastifyRequest, issuer: Issuer, endpoint: string): OAuthCall {
  if (typeof request.body !== 'string')
    throw invalidRequest('The body must be a form (application/x-www-form-urlencoded).');
  return {
    issuer,
    endpoint,
    body: request.body,
    authorization: request.headers.authorization,
    address: request.ip,
    requestId: request.id,
  };
}

async function sendKeys(deps: TokenStateDeps, issuer: Issuer, reply: FastifyReply): Promise<FastifyReply> {
  const keys = await deps.keys.of(issuer.tenantId);
  return open(reply)
    .header('cache-control', `public, max-age=${KEYS_MAX_AGE_SECONDS}`)
    .send({ keys: keys.map(({ publicJwk }) => publicJwk) });
}

function sendDocument(reply: FastifyReply, document: object): FastifyReply {
  return open(reply).type('application/json; charset=utf-8').send(document);
}

/** Readable by pages of any origin (patient-access.md 2.8). */
function open(reply: FastifyReply): FastifyReply {
  return reply.headers({
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'Retry-After, X-Request-Id, WWW-Authenticate',
  });
}
