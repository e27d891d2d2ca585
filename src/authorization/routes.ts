import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { Refusal } from '#/platform/refusal.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { issuerMetadata, smartConfiguration } from './discovery.ts';
import { introspect, revoke, type TokenStateDeps } from './introspection.ts';
import { type Issuer, PLATFORM_ISSUER_PATH, platformIssuer, tenantIssuer } from './issuer.ts';
import { makeTokenEndpoint, type TokenDeps } from './token-endpoint.ts';
import { OAuthRefusal } from './token-request.ts';

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
  const token = makeTokenEndpoint(deps);
  return async (server) => {
    prepare(server);
    server.post(`${PLATFORM_ISSUER_PATH}/protocol/openid-connect/token`, async (request, reply) =>
      sendToken(token, issuer, request, reply),
    );
    server.get(`${PLATFORM_ISSUER_PATH}/protocol/openid-connect/certs`, async (_request, reply) =>
      sendKeys(deps, issuer, reply),
    );
    server.get(`${PLATFORM_ISSUER_PATH}/.well-known/openid-configuration`, async (_request, reply) =>
      sendDocument(reply, issuerMetadata(issuer)),
    );
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
  const token = makeTokenEndpoint(deps);
  const issuerOf = async (request: FastifyRequest): Promise<Issuer> =>
    tenantIssuer(deps.tenants, await resolveTenant(deps.tenants, request));
  return async (server) => {
    prepare(server);
    server.post('/oauth2/token', async (request, reply) => sendToken(token, await issuerOf(request), request, reply));
    server.post('/oauth2/introspect', async (request, reply) =>
      noStore(reply).send(
        await introspect(deps, {
          issuer: await issuerOf(request),
          body: formOf(request),
          authorization: request.headers.authorization,
        }),
      ),
    );
    server.post('/oauth2/revoke', async (request, reply) => {
      await revoke(deps, {
        issuer: await issuerOf(request),
        body: formOf(request),
        authorization: request.headers.authorization,
      });
      return noStore(reply).code(200).send();
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

function renderOAuthError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  noStore(reply);
  if (error instanceof OAuthRefusal) {
    request.logFacts.refusal = error.error;
    return reply
      .code(error.status)
      .headers(error.headers)
      .send({ error: error.error, error_description: error.message });
  }
  if (error instanceof Refusal)
    return reply.code(404).send({ error: 'invalid_request', error_description: 'There is no plan of this name here.' });
  const status = error.statusCode ?? 500;
  if (status < 500) {
    const description =
      status === 413
        ? 'The request body is too large.'
        : 'The body must be a form (application/x-www-form-urlencoded).';
    return reply.code(status === 415 ? 400 : status).send({ error: 'invalid_request', error_description: description });
  }
  request.log.error({ err: error }, 'token request failed');
  return reply
    .code(500)
    .send({ error: 'server_error', error_description: `Quote request ${request.id} when you report this.` });
}

async function sendToken(
  token: ReturnType<typeof makeTokenEndpoint>,
  issuer: Issuer,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const answer = await token({
    issuer,
    body: formOf(request),
    authorization: request.headers.authorization,
    address: request.ip,
    requestId: request.id,
  });
  request.logFacts.client = answer.clientId;
  return noStore(reply).code(answer.status).send(answer.body);
}

function formOf(request: FastifyRequest): string {
  if (typeof request.body !== 'string')
    throw new OAuthRefusal(400, 'invalid_request', 'The body must be a form (application/x-www-form-urlencoded).');
  return request.body;
}

async function sendKeys(deps: AuthorizationRouteDeps, issuer: Issuer, reply: FastifyReply): Promise<FastifyReply> {
  const keys = await deps.keys.of(issuer.tenantId);
  return reply
    .header('cache-control', `public, max-age=${KEYS_MAX_AGE_SECONDS}`)
    .header('access-control-allow-origin', '*')
    .send({ keys: keys.map(({ publicJwk }) => publicJwk) });
}

function sendDocument(reply: FastifyReply, document: object): FastifyReply {
  return reply.header('access-control-allow-origin', '*').type('application/json; charset=utf-8').send(document);
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' });
}
