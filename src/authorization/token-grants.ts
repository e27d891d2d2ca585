import { sha256 } from '#/platform/crypto/hash.ts';
import type { Database } from '#/platform/db/database.ts';
import { selectArtifact } from './artifact-store.ts';
import type { Issuer } from './issuer.ts';
import { invalidRequest, OAuthRefusal } from './oauth-refusal.ts';
import { narrowForSystem, splitScopes } from './scopes.ts';
import type { SignedIn } from './sign-in.ts';
import type { TokenRequest } from './token-request.ts';

/** What each kind of client may ask the token endpoint for. */
const GRANT_TYPES = ['client_credentials', 'authorization_code', 'refresh_token'] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

/**
 * The grant type of a request.
 *
 * @throws OAuthRefusal `invalid_request` without one, `unsupported_grant_type`
 */
export function grantTypeOf(request: TokenRequest, issuer: Issuer): GrantType {
  const given = request.parameters.get('grant_type');
  if (given === undefined) throw invalidRequest('grant_type is missing.');
  // The platform's own issuer knows no members.
  const offered = issuer.tenant === undefined ? GRANT_TYPES.slice(0, 1) : GRANT_TYPES;
  const known = offered.find((name) => name === given);
  if (known === undefined)
    throw new OAuthRefusal(400, 'unsupported_grant_type', `Grant types here: ${offered.join(', ')}.`);
  return known;
}

/**
 * What the engine is asked of a token request: the parameters that it needs, and no others.
 *
 * @throws OAuthRefusal
 */
export async function engineForm(
  database: Database,
  issuer: Issuer,
  request: TokenRequest,
  signedIn: SignedIn,
): Promise<Readonly<Record<string, string>>> {
  const grantType = grantTypeOf(request, issuer);
  const isSystem = signedIn.client.accessType === 'payer-to-payer';
  if (isSystem !== (grantType === 'client_credentials'))
    throw new OAuthRefusal(400, 'unauthorized_client', 'This client may not use this grant type.');
  switch (grantType) {
    case 'client_credentials':
      return { grant_type: grantType, scope: systemScope(request) };
    case 'authorization_code':
      return { grant_type: grantType, ...(await codeForm(database, issuer, request, signedIn)) };
    case 'refresh_token': {
      const token = required(request, 'refresh_token');
      const scope = request.parameters.get('scope');
      return { grant_type: grantType, refresh_token: token, ...(scope === undefined ? {} : { scope }) };
    }
    default:
      return grantType satisfies never;
  }
}

function systemScope(request: TokenRequest): string {
  const asked = splitScopes(request.parameters.get('scope') ?? '');
  const granted = asked === undefined ? [] : narrowForSystem(asked);
  // The engine would issue a token without a scope (AUTH-12).
  if (granted.length === 0)
    throw new OAuthRefusal(
      400,
      'invalid_scope',
      'Ask for at least one scope that this client may have, for example member-match|read.',
    );
  return granted.join(' ');
}

/**
 * Older instructions send four parameters and no `redirect_uri` (PA-32): for a `classic` client it is the one of the
 * authorization. When it is sent it must be equal, and for a SMART client it must be sent.
 */
async function codeForm(
  database: Database,
  issuer: Issuer,
  request: TokenRequest,
  { client }: SignedIn,
): Promise<Record<string, string>> {
  const code = required(request, 'code');
  const verifier = request.parameters.get('code_verifier');
  let redirectUri = request.parameters.get('redirect_uri');
  if (redirectUri === undefined) {
    if (client.launchProfile === 'smart') throw invalidRequest('redirect_uri is missing.');
    redirectUri = await redirectUriOf(database, issuer, code, client.clientId);
  }
  return { code, redirect_uri: redirectUri, ...(verifier === undefined ? {} : { code_verifier: verifier }) };
}

async function redirectUriOf(database: Database, issuer: Issuer, code: string, clientId: string): Promise<string> {
  const key = sha256(code).toString('base64url');
  const artifact = await selectArtifact(database.tenant(issuer.tenantId), 'AuthorizationCode', key);
  const { redirectUri, clientId: owner } = (artifact?.payload ?? {}) as { redirectUri?: string; clientId?: string };
  // Another client's code is refused by the engine, in the same words as one that never was.
  return owner === clientId && redirectUri !== undefined ? redirectUri : 'urn:none';
}

function required(request: TokenRequest, name: string): string {
  const value = request.parameters.get(name);
  if (value === undefined) throw invalidRequest(`${name} is missing.`);
  return value;
}
