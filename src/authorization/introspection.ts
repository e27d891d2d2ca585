import type { AuditSink } from '#/audit/audit-sink.ts';
import { type Grant, isGrantLive, readGrant } from '#/consent/grants/grants.ts';
import { isActiveAt } from '#/onboarding/clients.ts';
import type { Database } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { REFRESH_GRACE_SECONDS } from './adapter.ts';
import { deleteArtifact, selectArtifact } from './artifact-store.ts';
import type { Denylist } from './denylist.ts';
import type { Issuer } from './issuer.ts';
import type { SigningKeys } from './keys.ts';
import { fhirUserOf } from './member-engine.ts';
import { invalidRequest, OAuthRefusal } from './oauth-refusal.ts';
import { revokeGrant } from './revoke-grant.ts';
import { type SignedIn, type SignInDeps, signIn } from './sign-in.ts';
import { type OAuthCall, recordRefusal } from './token-endpoint.ts';
import { isJwt, opaqueKey } from './token-id.ts';
import { parseTokenRequest } from './token-request.ts';
import { type Claims, verifyJwt } from './verify.ts';

export interface TokenStateDeps extends SignInDeps {
  readonly database: Database;
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
  const { client, token } = await ownToken(deps, call);
  if (!token || !isActiveAt(client, call.tenant)) return { active: false };
  if (token.kind === 'system') return describeSystem(deps, call, token.claims);
  if (!isGrantLive(token.grant, new Date()) || deps.denylist.has(`jti:${token.tokenId}`)) return { active: false };
  return {
    active: true,
    scope: token.scope,
    client_id: client.clientId,
    token_type: 'Bearer',
    exp: token.exp,
    iat: token.iat,
    sub: token.grant.accountId,
    aud: call.issuer.audience,
    iss: call.issuer.url,
    patient: token.grant.patientId,
    ...(token.scope.split(' ').includes('fhirUser') ? { fhirUser: fhirUserOf(call.issuer, token.grant) } : {}),
  };
}

function describeSystem(deps: TokenStateDeps, call: TenantCall, claims: Claims): object {
  const active = !deps.denylist.has(`jti:${claims.tokenId}`) && claims.environments.includes(call.tenant.kind);
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
 * RFC 7009: whatever the token was, the answer is 200. Only the client's own is taken back: an access token itself, a refresh
 * token with the whole grant. The platform's tokens can be taken back at any tenant where their client is known, and are then
 * refused at all.
 *
 * @throws OAuthRefusal 401 for a client that did not sign in
 */
export async function revoke(deps: TokenStateDeps, call: TenantCall): Promise<void> {
  const { client, token } = await ownToken(deps, call);
  if (!token) return;
  if (token.kind === 'refresh') {
    await revokeGrant(deps.database, call.tenant.id, token.grant.id, 'client', call.requestId);
  } else if (token.kind === 'system') {
    const issuer = deps.issuersOf(call.tenant).find(({ url }) => url === token.claims.issuer);
    await deny(deps, issuer?.tenantId ?? call.issuer.tenantId, token.claims.tokenId, token.claims.expiresAt);
  } else {
    await deleteArtifact(deps.database.tenant(call.tenant.id), 'AccessToken', token.tokenId);
    await deny(deps, call.tenant.id, token.tokenId, new Date(token.exp * 1_000));
  }
  await deps.audit.append(call.tenant.id, {
    action: 'token.revoke',
    outcome: 'success',
    client: client.clientId,
    organization: client.organization?.id,
    tokenId: token.kind === 'system' ? token.claims.tokenId : token.tokenId,
    requestId: call.requestId,
    address: call.address,
  });
}

/** Clocks differ: what is taken back stays so a little longer than the token says that it lives. */
const DENIED_BEYOND_MS = 60_000;

function deny(deps: TokenStateDeps, tenantId: number, tokenId: string, ends: Date): Promise<void> {
  return deps.denylist.add({ tenantId, key: `jti:${tokenId}`, until: new Date(ends.getTime() + DENIED_BEYOND_MS) });
}

type OwnToken =
  | { readonly kind: 'system'; readonly claims: Claims }
  | {
      readonly kind: 'member' | 'refresh';
      readonly tokenId: string;
      readonly grant: Grant;
      readonly scope: string;
      readonly iat: number;
      readonly exp: number;
    };

/** Signs the client in and reads the token that it asks about; none when it is not a good one, or not the client's. */
async function ownToken(
  deps: TokenStateDeps,
  call: TenantCall,
): Promise<SignedIn & { readonly token: OwnToken | undefined }> {
  let clientId: string | undefined;
  try {
    const request = parseTokenRequest(call.body, call.authorization);
    clientId = request.clientId;
    const signedIn = await signIn(deps, call, request);
    const text = request.parameters.get('token');
    if (text === undefined) throw invalidRequest('token is missing.');
    if (!isJwt(text)) return { ...signedIn, token: await ownOpaque(deps, call, clientId, text) };
    const claims = await verifyJwt(text, deps.issuersOf(call.tenant), deps.keys);
    return { ...signedIn, token: claims?.clientId === clientId ? { kind: 'system', claims } : undefined };
  } catch (error) {
    if (error instanceof OAuthRefusal) await recordRefusal(deps.audit, call, clientId, error);
    throw error;
  }
}

/** A token of a member's app: an access token or a refresh token, whichever it is. */
async function ownOpaque(
  deps: TokenStateDeps,
  call: TenantCall,
  clientId: string,
  text: string,
): Promise<OwnToken | undefined> {
  const db = deps.database.tenant(call.tenant.id);
  const tokenId = opaqueKey(text);
  const access = await selectArtifact(db, 'AccessToken', tokenId);
  const artifact = access ?? (await selectArtifact(db, 'RefreshToken', tokenId));
  if (!artifact) return undefined;
  const payload = artifact.payload as {
    clientId?: string;
    grantId?: string;
    scope?: string;
    iat?: number;
    exp?: number;
  };
  // A refresh token that was rotated is worth something only within the grace of its first use.
  if (payload.clientId !== clientId || payload.grantId === undefined) return undefined;
  if ((artifact.consumedSeconds ?? 0) >= REFRESH_GRACE_SECONDS) return undefined;
  const grant = await readGrant(db, payload.grantId);
  if (!grant) return undefined;
  return {
    kind: access ? 'member' : 'refresh',
    tokenId,
    grant,
    scope: payload.scope ?? '',
    iat: payload.iat ?? 0,
    exp: payload.exp ?? 0,
  };
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}
