import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import { type Client, type Environment, isActiveAt, secretOf } from '#/onboarding/clients.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { Issuer } from './issuer.ts';
import { clientUnknown, tooMany } from './oauth-refusal.ts';
import {
  FAILED_SIGN_INS_PER_MINUTE,
  type RateLimits,
  secondsToNextWindow,
  TOKEN_REQUESTS_PER_MINUTE,
} from './rate-limits.ts';
import type { TokenRequest } from './token-request.ts';

export interface SignInDeps {
  readonly clients: ClientDirectory;
  readonly limits: RateLimits;
}

/** A client that proved who it is. */
export interface SignedIn {
  readonly client: Client;
  /** Where the credential that it showed is good. */
  readonly environments: readonly Environment[];
}

/**
 * Signs a client in at an issuer, under the limits of authorization.md 13.
 *
 * @param address where the request came from
 * @throws OAuthRefusal 401 `invalid_client`; 429 after too many failures of this client id from this address (a right secret
 *   is refused then too), or too many requests of this client
 */
export async function signIn(
  deps: SignInDeps,
  issuer: Issuer,
  address: string,
  request: TokenRequest,
): Promise<SignedIn> {
  const failures = `sign-in:${sha256(`${request.clientId}|${address}`).toString('base64url')}`;
  const signedIn = await check(deps.clients, issuer, request);
  if (!signedIn) {
    const { added } = await deps.limits.count(issuer.tenantId, { add: failures });
    throw added > FAILED_SIGN_INS_PER_MINUTE
      ? tooMany(secondsToNextWindow(new Date()))
      : clientUnknown(request.usedBasic);
  }
  const { added, seen } = await deps.limits.count(issuer.tenantId, {
    add: `client:${signedIn.client.clientId}`,
    look: failures,
  });
  if (seen >= FAILED_SIGN_INS_PER_MINUTE || added > TOKEN_REQUESTS_PER_MINUTE)
    throw tooMany(secondsToNextWindow(new Date()));
  return signedIn;
}

/** By secret; other ways to sign in are told apart here by what the request carries. */
async function check(clients: ClientDirectory, issuer: Issuer, request: TokenRequest): Promise<SignedIn | undefined> {
  const client = await clients.find(request.clientId);
  if (!client || request.clientSecret === undefined) return undefined;
  const secret = secretOf(client, request.clientSecret);
  if (!secret || !isGoodAt(secret.environments, issuer) || !isKnownAt(client, issuer)) return undefined;
  await clients.noteUse(client, secret);
  return { client, environments: secret.environments };
}

/** Without an active row a client does not exist at a tenant (authorization.md 4, `client_tenant`). */
export function isKnownAt(client: Client, issuer: Issuer): boolean {
  return issuer.tenant === undefined ? client.status === 'active' : isActiveAt(client, issuer.tenant);
}

/** A secret of the sandbox is none in production, and the other way round; the platform takes both and says which. */
export function isGoodAt(environments: readonly Environment[], issuer: Issuer): boolean {
  return issuer.tenant === undefined || environments.includes(issuer.tenant.kind);
}
