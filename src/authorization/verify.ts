import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import { type Client, type Environment, isActiveAt } from '#/onboarding/clients.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { Denylist } from './denylist.ts';
import type { Issuer } from './issuer.ts';
import type { SigningKey, SigningKeys } from './keys.ts';
import { type Granted, grantedBy } from './scopes.ts';

const CLOCK_TOLERANCE_SECONDS = 5;
/** A verified token is taken from memory this long (measured: 45,000 requests/s so, 7,500 when each is verified). */
const CACHE_MS = 60_000;
const CACHE_MAX = 20_000;
const TOKEN_CHARACTERS_MAX = 16 * 1024;

/** What a good token says. */
export interface Claims {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly granted: Granted;
  /** Where the credential that it was got with is good. */
  readonly environments: readonly Environment[];
  /** Which key signed it. */
  readonly kid: string;
  /** The `jti`. */
  readonly tokenId: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

export type Verified =
  | { readonly kind: 'good'; readonly claims: Claims; readonly client: Client }
  /** Bad, expired, of an issuer that says nothing here: whoever sent it is unknown. */
  | { readonly kind: 'unknown' }
  /** Taken back, of a client that was stopped, or got with a credential that is nothing in this environment. */
  | { readonly kind: 'void'; readonly claims: Claims }
  /** A good token of a client that is not active at this tenant. */
  | { readonly kind: 'not-approved'; readonly claims: Claims };

export interface VerifyDeps {
  readonly clients: ClientDirectory;
  readonly keys: SigningKeys;
  readonly denylist: Denylist;
}

/** @param issuers those whose tokens the tenant takes: its own, and the platform's */
export type Verifier = (token: string, tenant: Tenant, issuers: readonly Issuer[]) => Promise<Verified>;

/**
 * Verifies access tokens (RFC 9068) for a tenant, without reading the database: signature and claims once, then from memory;
 * whether it was taken back, and whether its client is active here, for every request (the client is read at most every 5 s).
 *
 * Source: authorization.md 8.
 */
export function makeVerifier(deps: VerifyDeps): Verifier {
  const cache = new Map<string, { readonly claims: Claims; readonly until: number }>();

  async function claimsOf(token: string, issuers: readonly Issuer[]): Promise<Claims | undefined> {
    const key = sha256(token).toString('base64');
    const known = cache.get(key);
    const issuer = known && Date.now() < known.until ? issuers.find((one) => isOf(known.claims, one)) : undefined;
    // A key that was discarded takes its tokens with it.
    if (known && issuer && (await deps.keys.of(issuer.tenantId)).some(({ kid }) => kid === known.claims.kid))
      return known.claims;
    const claims = await verifyJwt(token, issuers, deps.keys);
    if (!claims) return undefined;
    if (cache.size >= CACHE_MAX) cache.delete(cache.keys().next().value as string);
    const ends = claims.expiresAt.getTime() + CLOCK_TOLERANCE_SECONDS * 1_000;
    cache.set(key, { claims, until: Math.min(Date.now() + CACHE_MS, ends) });
    return claims;
  }

  return async (token, tenant, issuers) => {
    if (token.length > TOKEN_CHARACTERS_MAX) return { kind: 'unknown' };
    const claims = await claimsOf(token, issuers);
    if (!claims) return { kind: 'unknown' };
    if (deps.denylist.has(`jti:${claims.tokenId}`)) return { kind: 'void', claims };
    const client = await deps.clients.find(claims.clientId);
    if (client?.status !== 'active') return { kind: 'void', claims };
    if (!isActiveAt(client, tenant)) return { kind: 'not-approved', claims };
    if (!claims.environments.includes(tenant.kind)) return { kind: 'void', claims };
    return { kind: 'good', claims, client };
  };
}

/** A tenant whose address changed takes no token of the old one, also from memory. */
function isOf(claims: Claims, issuer: Issuer): boolean {
  return claims.issuer === issuer.url && claims.audience === issuer.audience;
}

/** Keys once imported are kept as long as the list that they came in. */
const keySets = new WeakMap<readonly SigningKey[], ReturnType<typeof createLocalJWKSet>>();

/**
 * Only ES256 by a key of the issuer that the token names, `typ` at+jwt, our audience, not expired (5 s tolerance).
 *
 * @returns undefined for whatever is wrong with it: a caller learns no more than that
 */
export async function verifyJwt(
  token: string,
  issuers: readonly Issuer[],
  keys: SigningKeys,
): Promise<Claims | undefined> {
  const issuer = issuers.find(({ url }) => url === issuerOf(token));
  if (!issuer) return undefined;
  // Outside the try: a database that is away must not make tokens look bad.
  const known = await keys.with(issuer.tenantId, kidOf(token));
  const keySet =
    keySets.get(known) ??
    createLocalJWKSet({ keys: known.filter(({ alg }) => alg === 'ES256').map(({ publicJwk }) => publicJwk) });
  keySets.set(known, keySet);
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keySet, {
      algorithms: ['ES256'],
      issuer: issuer.url,
      audience: issuer.audience,
      typ: 'at+jwt',
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id', 'scope'],
    });
    const scopes = String(payload.scope).split(' ');
    const environments = Array.isArray(payload.env) ? payload.env : [];
    return {
      issuer: issuer.url,
      audience: issuer.audience,
      clientId: String(payload.client_id),
      subject: String(payload.sub),
      scopes,
      granted: grantedBy(scopes),
      environments: environments.filter((env) => env === 'sandbox' || env === 'production'),
      kid: String(protectedHeader.kid),
      tokenId: String(payload.jti),
      issuedAt: new Date(Number(payload.iat) * 1_000),
      expiresAt: new Date(Number(payload.exp) * 1_000),
    };
  } catch {
    return undefined;
  }
}

function kidOf(token: string): string {
  try {
    return String(decodeProtectedHeader(token).kid);
  } catch {
    return '';
  }
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}
