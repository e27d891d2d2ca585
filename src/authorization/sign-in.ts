import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import { type Client, type Environment, isActiveAt, secretOf } from '#/onboarding/clients.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { Issuer } from './issuer.ts';
import { clientUnknown, type OAuthRefusal, tooMany } from './oauth-refusal.ts';
import {
  FAILED_SIGN_INS_PER_MINUTE,
  type RateLimits,
  secondsToNextWindow,
  TOKEN_REQUESTS_PER_MINUTE,
} from './rate-limits.ts';
import { type AssertionDeps, signInByAssertion } from './sign-in-by-assertion.ts';
import type { TokenRequest } from './token-request.ts';

export interface SignInDeps extends AssertionDeps {
  readonly clients: ClientDirectory;
  readonly limits: RateLimits;
}

/** A client that proved who it is. */
export interface SignedIn {
  readonly client: Client;
  /** Where the credential that it showed is good. */
  readonly environments: readonly Environment[];
  readonly credential: Credential;
}

/** What a client showed, by the names of RFC 7591 and OpenID Connect; for the record. */
export type Credential =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      /** The number of the secret, as `client show` tells it. */
      readonly secret: string;
    }
  | { readonly method: 'private_key_jwt'; readonly kid: string }
  | { readonly method: 'none' };

/** Where a client signs in, and from where. */
export interface SignInCall {
  readonly issuer: Issuer;
  /** The address that was called, which an assertion may name as its audience. */
  readonly endpoint: string;
  readonly address: string;
}

/**
 * Signs a client in at an issuer, under the limits of authorization.md 13.
 *
 * @throws OAuthRefusal 401 `invalid_client`; 429 after too many failures of this client id from this address (a right secret
 *   is refused then too), or too many requests of this client
 */
export async function signIn(deps: SignInDeps, call: SignInCall, request: TokenRequest): Promise<SignedIn> {
  const { issuer, address } = call;
  const failures = `sign-in:${sha256(`${request.clientId}|${address}`).toString('base64url')}`;
  const signedIn = await check(deps, call, request);
  if (signedIn instanceof Error) {
    const { added } = await deps.limits.count(issuer.tenantId, { add: failures });
    throw added > FAILED_SIGN_INS_PER_MINUTE ? tooMany(secondsToNextWindow(new Date())) : signedIn;
  }
  const { added, seen } = await deps.limits.count(issuer.tenantId, {
    add: `client:${signedIn.client.clientId}`,
    look: failures,
  });
  if (seen >= FAILED_SIGN_INS_PER_MINUTE || added > TOKEN_REQUESTS_PER_MINUTE)
    throw tooMany(secondsToNextWindow(new Date()));
  return signedIn;
}

/** What a request carries says how its client signs in; a client that was given keys has no secret. */
async function check(deps: SignInDeps, call: SignInCall, request: TokenRequest): Promise<SignedIn | OAuthRefusal> {
  const client = await deps.clients.find(request.clientId);
  const known = !client ? 'unknown-client' : isKnownAt(client, call.issuer) ? client : 'not-active';
  if (request.assertion !== undefined) return signInByAssertion(deps, call, request.assertion, known);
  const unknown = (reason: string): OAuthRefusal => clientUnknown(request.usedBasic, reason);
  if (typeof known === 'string') return unknown(known);
  // A public client has nothing to show: what it holds (a code with its verifier, a token) is checked where it is used.
  if (known.kind === 'public' && request.clientSecret === undefined)
    return { client: known, environments: environmentsAt(call.issuer), credential: { method: 'none' } };
  if (request.clientSecret === undefined) return unknown('no-credentials');
  const secret = known.kind === 'secret' ? secretOf(known, request.clientSecret) : undefined;
  if (!secret) return unknown('secret');
  if (!isGoodAt(secret.environments, call.issuer)) return unknown('environment');
  await deps.clients.noteUse(known, secret);
  const method = request.usedBasic ? 'client_secret_basic' : 'client_secret_post';
  return { client: known, environments: secret.environments, credential: { method, secret: secret.id } };
}

/** Without an active row a client does not exist at a tenant (authorization.md 4, `client_tenant`). */
export function isKnownAt(client: Client, issuer: Issuer): boolean {
  return issuer.tenant === undefined ? client.status === 'active' : isActiveAt(client, issuer.tenant);
}

/** A credential of the sandbox is none in production, and the other way round; the platform takes both and says which. */
export function isGoodAt(environments: readonly Environment[], issuer: Issuer): boolean {
  return issuer.tenant === undefined || environments.includes(issuer.tenant.kind);
}

/** A client that shows nothing is good where it is known. */
function environmentsAt(issuer: Issuer): readonly Environment[] {
  return issuer.tenant === undefined ? ['sandbox'] : [issuer.tenant.kind];
}
