import Provider, { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import { safeEqual, sha256 } from '#/platform/crypto/hash.ts';
import type { Database } from '#/platform/db/database.ts';
import { makeAdapter } from './adapter.ts';
import type { Issuer } from './issuer.ts';
import type { SigningKey, SigningKeys } from './keys.ts';

/** Set by the facade on what it hands to the engine: the environments that the shown secret is good for. */
export const ENVIRONMENTS_HEADER = 'x-credential-environments';

const CLOCK_TOLERANCE_SECONDS = 5;
/** A token of the platform is good for every tenant where its client is active. */
const PLATFORM_TOKEN_SECONDS = 3_600;

export interface EngineDeps {
  readonly database: Database;
  readonly clients: ClientDirectory;
  readonly keys: SigningKeys;
}

/** Gives the engine of an issuer; built at first use, and anew when its keys or the tenant changed. */
export function makeEngines(deps: EngineDeps): (issuer: Issuer) => Promise<Provider> {
  const built = new Map<string, { readonly version: string; readonly provider: Provider }>();
  return async (issuer) => {
    const keys = await deps.keys.of(issuer.tenantId);
    const version = JSON.stringify([issuer.audience, issuer.tenant?.settings, keys.map(({ kid }) => kid)]);
    const known = built.get(issuer.url);
    if (known?.version === version) return known.provider;
    const provider = buildProvider(deps, issuer, keys);
    built.set(issuer.url, { version, provider });
    return provider;
  };
}

function buildProvider(deps: EngineDeps, issuer: Issuer, keys: readonly SigningKey[]): Provider {
  const provider = new Provider(issuer.url, configuration(deps, issuer, keys));
  // Safe only because the facade makes the request that the engine sees: no header of a caller reaches it.
  provider.proxy = true;
  const prototype = provider.Client.prototype as unknown as {
    clientId: string;
    compareClientSecret(given: string): Promise<boolean>;
  };
  prototype.compareClientSecret = async function compareClientSecret(given) {
    const client = await deps.clients.find(this.clientId);
    const hash = sha256(given);
    // All are compared, so that the time tells nothing.
    const matches = (client?.secrets ?? []).map(
      (secret) => safeEqual(secret.sha256, hash) && isGoodAt(secret.environments, issuer),
    );
    return matches.includes(true);
  };
  return provider;
}

/** A secret of the sandbox is none in production, and the other way round; the platform takes both and says which. */
export function isGoodAt(environments: readonly string[], issuer: Issuer): boolean {
  return issuer.tenant === undefined || environments.includes(issuer.tenant.kind);
}

function configuration(deps: EngineDeps, issuer: Issuer, keys: readonly SigningKey[]): Configuration {
  return {
    adapter: makeAdapter(deps.database.tenant(issuer.tenantId), issuer, deps.clients),
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk) as never },
    routes: { token: '/oauth2/token', jwks: '/oauth2/jwks', authorization: '/oauth2/auth' },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'fhirUser', 'launch/patient'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['RS384', 'ES384', 'ES256', 'RS256'],
      idTokenSigningAlgValues: issuer.tenant === undefined ? ['ES256'] : ['RS256'],
    },
    clientDefaults: { id_token_signed_response_alg: issuer.tenant === undefined ? 'ES256' : 'RS256' },
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    cookies: { keys: [sha256(`${issuer.url}|${keys[0]?.kid}`).toString('base64url')] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      introspection: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      registration: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => issuer.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => resourceServer(ctx, resource, issuer),
      },
      revocation: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    pkce: { required: () => true },
    rotateRefreshToken: () => true,
    expiresWithSession: () => false,
    revokeGrantPolicy: () => true,
    interactions: { url: (_ctx, interaction) => `${new URL(issuer.url).pathname}/interaction/${interaction.uid}` },
    ttl: { ClientCredentials: () => issuer.tenant?.settings.accessTokenSeconds ?? PLATFORM_TOKEN_SECONDS },
    extraTokenClaims: (ctx) => ({
      tid: issuer.tenant?.slug ?? 'dev-portal',
      env: ctx
        .get(ENVIRONMENTS_HEADER)
        .split(' ')
        .filter((environment) => environment !== ''),
    }),
    renderError: async (ctx, out) => {
      ctx.type = 'json';
      ctx.body = { error: out.error };
    },
  };
}

/** The scopes were narrowed by the facade: what arrives here is what is granted. */
function resourceServer(ctx: KoaContextWithOIDC, resource: string, issuer: Issuer) {
  if (resource !== issuer.audience) throw new errors.InvalidTarget();
  const scope = String(ctx.oidc.params?.scope ?? '');
  if (scope === '') throw new errors.InvalidScope('no scope', '');
  return {
    scope,
    audience: issuer.audience,
    accessTokenTTL: issuer.tenant?.settings.accessTokenSeconds ?? PLATFORM_TOKEN_SECONDS,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: 'ES256' as const } },
  };
}
