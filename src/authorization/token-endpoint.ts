import { decodeJwt } from 'jose';
import inject from 'light-my-request';
import type { AuditSink } from '#/audit/audit-sink.ts';
import { isClientId } from '#/onboarding/clients.ts';
import { ENVIRONMENTS_HEADER, type Engines, TOKEN_SECONDS_HEADER } from './engine.ts';
import type { Issuer } from './issuer.ts';
import { clientUnknown, invalidRequest, OAuthRefusal } from './oauth-refusal.ts';
import { narrowForSystem, splitScopes } from './scopes.ts';
import { type SignedIn, type SignInDeps, signIn } from './sign-in.ts';
import { parseTokenRequest, type TokenRequest } from './token-request.ts';

export interface TokenDeps extends SignInDeps {
  readonly engines: Engines;
  readonly audit: AuditSink;
}

/** A request to the token, introspection or revocation endpoint of an issuer. */
export interface OAuthCall {
  readonly issuer: Issuer;
  /** The canonical address of the endpoint. */
  readonly endpoint: string;
  /** The form as it came. */
  readonly body: string;
  readonly authorization: string | undefined;
  readonly address: string;
  readonly requestId: string;
}

export interface TokenAnswer {
  readonly clientId: string;
  /** RFC 6749 5.1; `scope` is always in it. */
  readonly body: Readonly<Record<string, unknown>> & { readonly scope: string };
}

/**
 * The token endpoint: sign-in, limits, scope narrowing and audit are ours, the protocol is the engine's. The engine sees a
 * request that is made here, so that nothing of a caller's headers or address can change what it answers (AUTH-18).
 *
 * @throws OAuthRefusal
 */
export async function issueToken(deps: TokenDeps, call: OAuthCall): Promise<TokenAnswer> {
  let request: TokenRequest | undefined;
  try {
    request = parseTokenRequest(call.body, call.authorization);
    const signedIn = await signIn(deps, call, request);
    const { client, environments, credential } = signedIn;
    const body = await askEngine(deps, call.issuer, request, signedIn);
    await deps.audit.append(call.issuer.tenantId, {
      action: 'token.issue',
      outcome: 'success',
      client: client.clientId,
      organization: client.organization?.id,
      tokenId: decodeJwt(String(body.access_token)).jti,
      requestId: call.requestId,
      address: call.address,
      facts: { grant: 'client_credentials', scope: body.scope, environments, ...credential },
    });
    return { clientId: client.clientId, body };
  } catch (error) {
    if (error instanceof OAuthRefusal) await recordRefusal(deps.audit, call, request?.clientId, error);
    throw error;
  }
}

/** A refusal at an OAuth endpoint goes into the record of the issuer's tenant. */
export async function recordRefusal(
  audit: AuditSink,
  call: OAuthCall,
  clientId: string | undefined,
  refusal: OAuthRefusal,
): Promise<void> {
  await audit.append(call.issuer.tenantId, {
    action: 'token.refuse',
    outcome: refusal.status >= 500 ? 'failure' : 'refused',
    // What was sent as a client id may be anything; only one of the right form is worth keeping.
    client: clientId !== undefined && isClientId(clientId) ? clientId : undefined,
    requestId: call.requestId,
    address: call.address,
    facts: { error: refusal.error, status: refusal.status, ...(refusal.reason ? { reason: refusal.reason } : {}) },
  });
}

async function askEngine(
  deps: TokenDeps,
  issuer: Issuer,
  request: TokenRequest,
  signedIn: SignedIn,
): Promise<TokenAnswer['body']> {
  const form = engineForm(request, deps.engines.proof);
  const engine = (await deps.engines.of(issuer)).callback();
  const url = new URL(issuer.url);
  const answer = await inject((req, res) => void engine(req as never, res as never), {
    method: 'POST',
    url: '/oauth2/token',
    headers: {
      host: url.host,
      'x-forwarded-proto': url.protocol.slice(0, -1),
      'content-type': 'application/x-www-form-urlencoded',
      [ENVIRONMENTS_HEADER]: signedIn.environments.join(' '),
      [TOKEN_SECONDS_HEADER]: String(tokenSeconds(issuer, signedIn)),
    },
    payload: new URLSearchParams(form).toString(),
  });
  const body = JSON.parse(answer.payload) as Record<string, unknown>;
  if (answer.statusCode !== 200) throw refusalOfEngine(answer.statusCode, body, request);
  return { ...body, scope: typeof body.scope === 'string' ? body.scope : form.scope };
}

/** A token of the platform is good for every tenant where its client is active. */
const PLATFORM_TOKEN_SECONDS = 3_600;
/** SMART Backend Services: `expires_in` at most 300 (P2P-71). */
const ASSERTION_TOKEN_SECONDS_MAX = 300;

function tokenSeconds(issuer: Issuer, { credential }: SignedIn): number {
  const seconds = issuer.tenant?.settings.accessTokenSeconds ?? PLATFORM_TOKEN_SECONDS;
  return credential.method === 'private_key_jwt' ? Math.min(seconds, ASSERTION_TOKEN_SECONDS_MAX) : seconds;
}

/** What the engine gets: four parameters, the scopes narrowed to what may be granted, and our word that the client is in. */
function engineForm(request: TokenRequest, proof: string) {
  const { parameters } = request;
  const grantType = parameters.get('grant_type');
  if (grantType === undefined) throw invalidRequest('grant_type is missing.');
  if (grantType !== 'client_credentials')
    throw new OAuthRefusal(400, 'unsupported_grant_type', 'This endpoint issues tokens for client_credentials.');
  const asked = splitScopes(parameters.get('scope') ?? '');
  const granted = asked === undefined ? [] : narrowForSystem(asked);
  // The engine would issue a token without a scope (AUTH-12).
  if (granted.length === 0)
    throw new OAuthRefusal(
      400,
      'invalid_scope',
      'Ask for at least one scope that this client may have, for example member-match|read.',
    );
  return {
    grant_type: grantType,
    client_id: request.clientId,
    client_secret: proof,
    scope: granted.join(' '),
  };
}

/** The engine's words stay inside: its descriptions may quote what was sent. */
function refusalOfEngine(status: number, body: Record<string, unknown>, request: TokenRequest): OAuthRefusal {
  switch (body.error) {
    case 'invalid_client':
      return clientUnknown(request.usedBasic);
    case 'invalid_scope':
      return new OAuthRefusal(400, 'invalid_scope', 'This client may not have that scope.');
    // The engine calls a grant type that the client may not use a bad request; RFC 6749 5.2 has a word for it.
    case 'invalid_request':
    case 'unauthorized_client':
      return new OAuthRefusal(400, 'unauthorized_client', 'This client may not use this grant type.');
    default:
      return status >= 500
        ? new OAuthRefusal(500, 'server_error', 'Something went wrong on our side.')
        : invalidRequest('The request was refused.');
  }
}
