import type { AuditSink } from '#/audit/audit-sink.ts';
import { type Grant, readGrant } from '#/consent/grants/grants.ts';
import { memberAuditKey } from '#/members/umb.ts';
import { isClientId } from '#/onboarding/clients.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { Database } from '#/platform/db/database.ts';
import { deleteArtifact, selectArtifact } from './artifact-store.ts';
import { ENVIRONMENTS_HEADER, type Engines, GRANT_HEADER, TOKEN_SECONDS_HEADER } from './engine.ts';
import { callEngine } from './engine-call.ts';
import type { Issuer } from './issuer.ts';
import { clientUnknown, invalidRequest, OAuthRefusal } from './oauth-refusal.ts';
import { type SignedIn, type SignInDeps, signIn } from './sign-in.ts';
import { engineForm } from './token-grants.ts';
import { tokenIdOf } from './token-id.ts';
import { parseTokenRequest, type TokenRequest } from './token-request.ts';

export interface TokenDeps extends SignInDeps {
  readonly database: Database;
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
    const { body, grant } = await askEngine(deps, call.issuer, request, signedIn);
    await deps.audit.append(call.issuer.tenantId, {
      action: 'token.issue',
      outcome: 'success',
      client: client.clientId,
      organization: client.organization?.id,
      tokenId: tokenIdOf(String(body.access_token)),
      subject: grant?.id,
      memberKey: grant && memberAuditKey(call.issuer.tenantId, grant.umb),
      requestId: call.requestId,
      address: call.address,
      facts: { grant: request.parameters.get('grant_type'), scope: body.scope, environments, ...credential },
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
): Promise<{ readonly body: TokenAnswer['body']; readonly grant: Grant | undefined }> {
  const form = await engineForm(deps.database, issuer, request, signedIn);
  const answer = await callEngine(await deps.engines.of(issuer), issuer, {
    method: 'POST',
    path: '/oauth2/token',
    headers: {
      [ENVIRONMENTS_HEADER]: signedIn.environments.join(' '),
      [TOKEN_SECONDS_HEADER]: String(tokenSeconds(issuer, signedIn, form.grant_type)),
    },
    form: {
      ...form,
      client_id: request.clientId,
      ...(signedIn.client.kind === 'public' ? {} : { client_secret: deps.engines.proof }),
    },
  });
  const body = JSON.parse(answer.body) as Record<string, unknown>;
  if (answer.status !== 200) {
    if (form.code !== undefined) await burnCode(deps.database, issuer, form.code, request.clientId);
    throw refusalOfEngine(answer.status, body, request);
  }
  const scope = typeof body.scope === 'string' ? body.scope : (form.scope ?? '');
  const grantId = answer.headers[GRANT_HEADER];
  if (typeof grantId !== 'string') return { body: { ...body, scope }, grant: undefined };
  const grant = await readGrant(deps.database.tenant(issuer.tenantId), grantId);
  return { body: { ...body, scope, ...(grant ? memberContext(grant) : {}) }, grant };
}

/** What an app of a member is told besides the token (SMART App Launch 2.2; the end of the grant as Blue Button tells it). */
function memberContext(grant: Grant): object {
  return {
    patient: grant.patientId,
    need_patient_banner: false,
    access_grant_expiration: grant.expiresAt.toISOString(),
  };
}

/** A token of the platform is good for every tenant where its client is active. */
const PLATFORM_TOKEN_SECONDS = 3_600;
/** SMART Backend Services: `expires_in` at most 300 (P2P-71). */
const ASSERTION_TOKEN_SECONDS_MAX = 300;

function tokenSeconds(issuer: Issuer, { credential }: SignedIn, grantType: string | undefined): number {
  const seconds = issuer.tenant?.settings.accessTokenSeconds ?? PLATFORM_TOKEN_SECONDS;
  const isSystem = grantType === 'client_credentials' && credential.method === 'private_key_jwt';
  return isSystem ? Math.min(seconds, ASSERTION_TOKEN_SECONDS_MAX) : seconds;
}

/** A failed attempt with a code of one's own ends it: whoever guesses a verifier has one try (AUTH-03). */
async function burnCode(database: Database, issuer: Issuer, code: string, clientId: string): Promise<void> {
  const db = database.tenant(issuer.tenantId);
  const key = sha256(code).toString('base64url');
  const artifact = await selectArtifact(db, 'AuthorizationCode', key);
  const { clientId: owner } = (artifact?.payload ?? {}) as { clientId?: string };
  if (owner === clientId && artifact?.consumedAt === undefined) await deleteArtifact(db, 'AuthorizationCode', key);
}

/** The engine's words stay inside: its descriptions may quote what was sent. */
function refusalOfEngine(status: number, body: Record<string, unknown>, request: TokenRequest): OAuthRefusal {
  switch (body.error) {
    case 'invalid_client':
      return clientUnknown(request.usedBasic);
    case 'invalid_scope':
      return new OAuthRefusal(400, 'invalid_scope', 'This client may not have that scope.');
    case 'invalid_grant':
      return new OAuthRefusal(
        400,
        'invalid_grant',
        'The code or refresh token is not good here: unknown, used, expired, or of another client or redirect URI.',
      );
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
