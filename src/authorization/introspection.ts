import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import { isActiveAt } from '#/onboarding/clients.ts';
import type { Denylist } from './denylist.ts';
import type { Issuer } from './issuer.ts';
import type { SigningKeys } from './keys.ts';
import { clientUnknown, environmentsOfSecret, OAuthRefusal, parseTokenRequest } from './token-request.ts';
import { verifyJwt } from './verify.ts';

export interface TokenStateDeps {
  readonly clients: ClientDirectory;
  readonly keys: SigningKeys;
  readonly denylist: Denylist;
}

interface Call {
  readonly issuer: Issuer;
  readonly body: string;
  readonly authorization: string | undefined;
}

/**
 * RFC 7662. A client sees its own tokens; everything else is `{"active":false}`, with status 200.
 *
 * @throws OAuthRefusal 401 for a client that did not sign in
 */
export async function introspect(deps: TokenStateDeps, call: Call): Promise<object> {
  const { clientId, token } = await signIn(deps, call);
  const claims = await verifyJwt(token, [call.issuer], deps.keys);
  if (!claims || claims.clientId !== clientId || deps.denylist.has(`jti:${claims.tokenId}`)) return { active: false };
  return {
    active: true,
    scope: claims.scopes.join(' '),
    client_id: claims.clientId,
    exp: Math.floor(claims.expiresAt.getTime() / 1_000),
    iss: claims.issuer,
    sub: claims.clientId,
    aud: call.issuer.audience,
    token_type: 'Bearer',
  };
}

/** RFC 7009: whatever the token was, the answer is 200. Only the client's own is taken back. */
export async function revoke(deps: TokenStateDeps, call: Call): Promise<void> {
  const { clientId, token } = await signIn(deps, call);
  const claims = await verifyJwt(token, [call.issuer], deps.keys);
  if (claims?.clientId === clientId)
    await deps.denylist.add(call.issuer.tenantId, `jti:${claims.tokenId}`, claims.expiresAt);
}

async function signIn(
  deps: TokenStateDeps,
  { issuer, body, authorization }: Call,
): Promise<{ clientId: string; token: string }> {
  const request = parseTokenRequest(body, authorization);
  const client = await deps.clients.find(request.clientId);
  const active =
    client && (issuer.tenant === undefined ? client.status === 'active' : isActiveAt(client, issuer.tenant));
  if (!active || request.clientSecret === undefined || !environmentsOfSecret(client, request.clientSecret, issuer))
    throw clientUnknown(request.usedBasic);
  const token = request.parameters.get('token');
  if (token === undefined) throw new OAuthRefusal(400, 'invalid_request', 'token is missing.');
  return { clientId: client.clientId, token };
}
