import Provider, { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import { safeEqual, sha256 } from '#/platform/crypto/hash.ts';
import { randomToken } from '#/platform/crypto/random.ts';
import type { Database } from '#/platform/db/database.ts';
import type { Log } from '#/platform/log/log.ts';
import { makeAdapter } from './adapter.ts';
import type { Issuer } from './issuer.ts';
import type { SigningKey, SigningKeys } from './keys.ts';
import { type MemberLookup, memberConfiguration } from './member-engine.ts';

/** Set on the request that is made for the engine: the environments that the shown credential is good for. */
export const ENVIRONMENTS_HEADER = 'x-credential-environments';
/** Likewise: how long the access token lives. */
export const TOKEN_SECONDS_HEADER = 'x-token-seconds';

/** Set on the engine's answer: the grant that a token is of. */
export const GRANT_HEADER = 'x-grant-id';

const CLOCK_TOLERANCE_SECONDS = 5;

export interface EngineDeps {
  readonly database: Database;
  readonly clients: ClientDirectory;
  readonly keys: SigningKeys;
  readonly log: Log;
  readonly members: MemberLookup;
  /** Told when the engine takes a grant back (a code or refresh token that was used twice). */
  readonly onReuse: (issuer: Issuer, grantId: string) => Promise<void>;
}

/** The protocol engines, one for each issuer. */
export interface Engines {
  /** Built at first use (1.6 ms, about 100 KiB), and anew when the issuer's keys or settings changed. */
  of(issuer: Issuer): Promise<Provider>;
  /** Sent as the secret of a client that has signed in; known to this process only, and new at each start. */
  readonly proof: string;
}

export function makeEngines(deps: EngineDeps): Engines {
  const built = new Map<string, { readonly version: string; readonly provider: Provider }>();
  const proof = randomToken(32);
  return {
    proof,
    async of(issuer) {
      const keys = await deps.keys.of(issuer.tenantId);
      const version = JSON.stringify([issuer.audience, keys.map(({ kid, state }) => [kid, state])]);
      const known = built.get(issuer.url);
      if (known?.version === version) return known.provider;
      const provider = buildProvider(deps, issuer, keys, proof);
      // The one before it finishes the requests that it has.
      built.set(issuer.url, { version, provider });
      return provider;
    },
  };
}

function buildProvider(deps: EngineDeps, issuer: Issuer, keys: readonly SigningKey[], proof: string): Provider {
  const provider = new Provider(issuer.url, configuration(deps, issuer, keys));
  // Safe only because the facade makes the request that the engine sees: no header of a caller reaches it.
  provider.proxy = true;
  provider.on('server_error', (_ctx, error) =>
    deps.log.error({ err: error, issuer: issuer.url }, 'the authorization engine failed'),
  );
  provider.use(async (ctx, next) => {
    await next();
    const { AccessToken: token } = ctx.oidc?.entities ?? {};
    if (token?.grantId !== undefined) ctx.set(GRANT_HEADER, token.grantId);
  });
  // By secret or by assertion: the facade has checked it, for every endpoint in the same way, and says so with the proof.
  const prototype = provider.Client.prototype as unknown as { compareClientSecret(given: string): boolean };
  prototype.compareClientSecret = (given) => safeEqual(sha256(given), sha256(proof));
  return provider;
}

function configuration(deps: EngineDeps, issuer: Issuer, keys: readonly SigningKey[]): Configuration {
  const { names, ttl, ...ofMembers } = memberConfiguration(issuer, deps.members);
  return {
    ...ofMembers,
    adapter: makeAdapter(deps.database.tenant(issuer.tenantId), issuer, deps.clients, (grantId) =>
      deps.onReuse(issuer, grantId),
    ),
    // The first key of an algorithm signs: `keys` has the current one first.
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk) as never },
    routes: { token: '/oauth2/token', jwks: '/oauth2/jwks', authorization: '/oauth2/auth' },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'fhirUser', 'launch/patient'],
    claims: { openid: ['sub', 'acr'], fhirUser: ['fhirUser'] },
    extraParams: ['segment'],
    extraClientMetadata: { properties: ['refresh_default'] },
    conformIdTokenClaims: false,
    // The facade turns every way to sign in into one.
    clientAuthMethods: ['client_secret_post', 'none'],
    enabledJWA: { idTokenSigningAlgValues: [idTokenAlgorithm(issuer)] },
    clientDefaults: { id_token_signed_response_alg: idTokenAlgorithm(issuer) },
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    // From the private part of the signing keys: secret, the same in every process, and old ones go on verifying.
    cookies: {
      names,
      long: { signed: true, httpOnly: true, sameSite: 'lax', path: new URL(issuer.url).pathname },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
      keys: keys
        .filter(({ alg }) => alg === 'ES256')
        .map(({ privateJwk }) => sha256(`cookies|${issuer.url}|${String(privateJwk.d)}`).toString('base64url')),
    },
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
    // The facade knows the launch profile; a challenge that was sent is always enforced.
    pkce: { required: (_ctx, client) => client.clientAuthMethod === 'none' },
    rotateRefreshToken: () => true,
    // The default lets tokens die with the browser session of 15 minutes.
    expiresWithSession: () => false,
    revokeGrantPolicy: () => true,
    interactions: { url: (_ctx, interaction) => `${new URL(issuer.url).pathname}/interaction/${interaction.uid}` },
    ttl: { ...ttl, ClientCredentials: (ctx) => tokenSeconds(ctx), AccessToken: (ctx) => tokenSeconds(ctx) },
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

/** SMART demands RS256 for id_tokens; the platform issues none. */
function idTokenAlgorithm(issuer: Issuer): 'ES256' | 'RS256' {
  return issuer.tenant === undefined ? 'ES256' : 'RS256';
}

function tokenSeconds(ctx: KoaContextWithOIDC): number {
  return Number(ctx.get(TOKEN_SECONDS_HEADER));
}

/** The scopes were narrowed by the facade: what arrives here, or was granted before, is what is given. */
function resourceServer(ctx: KoaContextWithOIDC, resource: string, issuer: Issuer) {
  if (resource !== issuer.audience) throw new errors.InvalidTarget();
  const { params, entities } = ctx.oidc;
  const granted = entities.AuthorizationCode?.scope ?? entities.RefreshToken?.scope;
  const scope = String(params?.scope ?? granted ?? '');
  if (scope === '') throw new errors.InvalidScope('no scope', '');
  const isSystem = params?.grant_type === 'client_credentials';
  return {
    scope,
    audience: issuer.audience,
    // Asked for at the authorization too, where no token is made.
    accessTokenTTL: tokenSeconds(ctx) || undefined,
    accessTokenFormat: isSystem ? ('jwt' as const) : ('opaque' as const),
    ...(isSystem ? { jwt: { sign: { alg: 'ES256' as const } } } : {}),
  } as never;
}
