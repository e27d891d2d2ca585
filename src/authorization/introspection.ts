import type { AuditSink } from '#/audit/audit-sink.ts';
import { isActiveAt } from '#/onboarding/clients.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { Denylist } from './denylist.ts';
import type { Issuer } from './issuer.ts';
import type { SigningKeys } from './keys.ts';
import { invalidRequest, OAuthRefusal } from './oauth-refusal.ts';
import { type SignedIn, type SignInDeps, signIn } from './sign-in.ts';
import { type OAuthCall, recordRefusal } from './token-endpoint.ts';
import { parseTokenRequest } from './token-request.ts';
import { type Claims, verifyJwt } from './verify.ts';

export interface TokenStateDeps extends SignInDeps {
  readonly keys: SigningKeys;
  readonly denylist: Denylist;
  readonly audit: AuditSink;
  /** Whose tokens a tenant takes: its own, and the platform's. */
  readonly issuersOf: (tenant: Tenant) => readonly Issuer[];
}

/** A call to an endpoint of a tenant. */
export interface TenantCall extends OAuthCall {
  readonly tenant: Tenant;
}

/**
 * RFC 7662: what a token is worth at this tenant now. A client sees its own tokens; everything else is `{"active":false}`,
 * with status 200.
 *
 * @throws OAuthRefusal 401 for a client that did not sign in
 */
export async function introspect(deps: TokenStateDeps, call: TenantCall): Promise<object> {
  const { client, claims } = await ownToken(deps, call);
  const active =
    claims &&
    !deps.denylist.has(`jti:${claims.tokenId}`) &&
    isActiveAt(client, call.tenant) &&
    claims.environments.includes(call.tenant.kind);
  if (!active) return { active: false };
  return {
    active: true,
    scope: claims.scopes.join(' '),
    client_id: claims.clientId,
    token_type: 'Bearer',
    exp: seconds(claims.expiresAt),
    iat: seconds(claims.issuedAt),
    sub: claims.subject,
    aud: claims.audience,
    iss: claims.issuer,
    jti: claims.tokenId,
  };
}

/**
 * RFC 7009: whatever the token was, the answer is 200. Only the client's own is taken back: a JWT is refused until it ends.
 * The platform's tokens can be taken back at any tenant where their client is known, and are then refused at all.
 *
 * @throws OAuthRefusal 401 for a client that did not sign in
 */
export async function revoke(deps: TokenStateDeps, call: TenantCall): Promise<void> {
  const { client, claims } = await ownToken(deps, call);
  if (!claims) return;
  const issuer = deps.issuersOf(call.tenant).find(({ url }) => url === claims.issuer);
  await deps.denylist.add({
    tenantId: issuer?.tenantId ?? call.issuer.tenantId,
    key: `jti:${claims.tokenId}`,
    until: new Date(claims.expiresAt.getTime() + DENIED_BEYOND_MS),
  });
  await deps.audit.append(call.tenant.id, {
    action: 'token.revoke',
    outcome: 'success',
    client: client.clientId,
    organization: client.organization?.id,
    tokenId: claims.tokenId,
    requestId: call.requestId,
    address: call.address,
  });
}

/** Clocks differ: what is taken back stays so a little longer than the token says that it lives. */
const DENIED_BEYOND_MS = 60_000;

/** Signs the client in and reads the token that it asks about; no claims when it is not a good one, or not the client's. */
async function ownToken(
  deps: TokenStateDeps,
  call: TenantCall,
): Promise<SignedIn & { readonly claims: Claims | undefined }> {
  let clientId: string | undefined;
  try {
    const request = parseTokenRequest(call.body, call.authorization);
    clientId = request.clientId;
    const signedIn = await signIn(deps, call, request);
    const token = request.parameters.get('token');
    if (token === undefined) throw invalidRequest('token is missing.');
    const claims = await verifyJwt(token, deps.issuersOf(call.tenant), deps.keys);
    return { ...signedIn, claims: claims?.clientId === clientId ? claims : undefined };
  } catch (error) {
    if (error instanceof OAuthRefusal) await recordRefusal(deps.audit, call, clientId, error);
    throw error;
  }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}
