import inject from 'light-my-request';
import type { AuditSink } from '#/audit/audit-sink.ts';
import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import { isActiveAt } from '#/onboarding/clients.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { Database } from '#/platform/db/database.ts';
import { ENVIRONMENTS_HEADER, makeEngines } from './engine.ts';
import type { Issuer } from './issuer.ts';
import type { SigningKeys } from './keys.ts';
import {
  countHit,
  FAILED_SIGN_INS_PER_MINUTE,
  makeFloodGate,
  readHits,
  TOKEN_REQUESTS_PER_MINUTE,
} from './rate-limits.ts';
import { narrowForSystem, splitScopes } from './scopes.ts';
import {
  clientUnknown,
  environmentsOfSecret,
  OAuthRefusal,
  parseTokenRequest,
  type TokenRequest,
} from './token-request.ts';

export interface TokenDeps {
  readonly database: Database;
  readonly clients: ClientDirectory;
  readonly keys: SigningKeys;
  readonly audit: AuditSink;
}

export interface TokenCall {
  readonly issuer: Issuer;
  readonly body: string;
  readonly authorization: string | undefined;
  readonly address: string;
  readonly requestId: string;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: object;
  readonly clientId: string;
}

const RETRY_AFTER_SECONDS = 60;

/**
 * The token endpoint: sign-in limits, scope narrowing and audit are ours, the protocol is the engine's. The engine sees a request
 * that was made here, so that no header of a caller can change what it answers (AUTH-18).
 *
 * @throws OAuthRefusal
 */
export function makeTokenEndpoint(deps: TokenDeps): (call: TokenCall) => Promise<TokenAnswer> {
  const engineOf = makeEngines(deps);
  const flood = makeFloodGate(TOKEN_REQUESTS_PER_MINUTE);

  return async (call) => {
    const { issuer } = call;
    let request: TokenRequest | undefined;
    try {
      request = parseTokenRequest(call.body, call.authorization);
      if (!flood(request.clientId)) throw tooMany();
      const environments = await signIn(deps, call, request);
      const form = engineForm(request);
      const engine = await engineOf(issuer);
      const url = new URL(issuer.url);
      const handle = engine.callback();
      const answer = await inject(
        (engineRequest, engineResponse) => void handle(engineRequest as never, engineResponse as never),
        {
          method: 'POST',
          url: '/oauth2/token',
          headers: {
            host: url.host,
            'x-forwarded-proto': url.protocol.slice(0, -1),
            'content-type': 'application/x-www-form-urlencoded',
            [ENVIRONMENTS_HEADER]: environments.join(' '),
          },
          payload: form,
        },
      );
      const body = JSON.parse(answer.payload) as Record<string, unknown>;
      if (answer.statusCode !== 200) throw refusalOfEngine(answer.statusCode, body, request);
      const scope = typeof body.scope === 'string' ? body.scope : (new URLSearchParams(form).get('scope') ?? '');
      await audit(deps, call, request.clientId, 'success', { grant: 'client_credentials', scope });
      return { status: 200, body: { ...body, scope }, clientId: request.clientId };
    } catch (error) {
      if (error instanceof OAuthRefusal) await audit(deps, call, request?.clientId, 'refused', { error: error.error });
      throw error;
    }
  };
}

/** @returns the environments that the shown secret is good for */
async function signIn(deps: TokenDeps, call: TokenCall, request: TokenRequest): Promise<readonly string[]> {
  const { issuer } = call;
  const db = deps.database.tenant(issuer.tenantId);
  const bucket = `sign-in:${sha256(`${request.clientId}|${call.address}`).toString('base64url')}`;
  if ((await readHits(db, bucket)) >= FAILED_SIGN_INS_PER_MINUTE) throw tooMany();
  const client = await deps.clients.find(request.clientId);
  const active =
    client && (issuer.tenant === undefined ? client.status === 'active' : isActiveAt(client, issuer.tenant));
  const environments =
    client && request.clientSecret !== undefined
      ? environmentsOfSecret(client, request.clientSecret, issuer)
      : undefined;
  if (active && environments) return environments;
  if ((await countHit(db, bucket)) > FAILED_SIGN_INS_PER_MINUTE) throw tooMany();
  throw clientUnknown(request.usedBasic);
}

/** What the engine gets: four parameters, the scopes narrowed to what may be granted. */
function engineForm(request: TokenRequest): string {
  const { parameters } = request;
  const grantType = parameters.get('grant_type');
  if (grantType === undefined) throw new OAuthRefusal(400, 'invalid_request', 'grant_type is missing.');
  if (grantType !== 'client_credentials')
    throw new OAuthRefusal(400, 'unsupported_grant_type', 'This endpoint issues tokens for client_credentials.');
  const asked = splitScopes(parameters.get('scope') ?? '');
  const granted = asked === undefined ? [] : narrowForSystem(asked);
  if (granted.length === 0)
    throw new OAuthRefusal(
      400,
      'invalid_scope',
      'Ask for at least one scope that this client may have, for example member-match|read.',
    );
  return new URLSearchParams({
    grant_type: grantType,
    client_id: request.clientId,
    client_secret: request.clientSecret ?? '',
    scope: granted.join(' '),
  }).toString();
}

/** The engine's words stay inside: its descriptions may quote what was sent. */
function refusalOfEngine(status: number, body: Record<string, unknown>, request: TokenRequest): OAuthRefusal {
  const error = typeof body.error === 'string' ? body.error : 'server_error';
  if (error === 'invalid_client') return clientUnknown(request.usedBasic);
  // RFC 6749 5.2: a grant type that this client may not use.
  if (error === 'invalid_request' || error === 'unauthorized_client')
    return new OAuthRefusal(400, 'unauthorized_client', 'This client may not use this grant type.');
  return new OAuthRefusal(status >= 500 ? 500 : 400, error, 'The request was refused.');
}

function tooMany(): OAuthRefusal {
  return new OAuthRefusal(429, 'temporarily_unavailable', 'Too many attempts. Wait a minute before you try again.', {
    'retry-after': String(RETRY_AFTER_SECONDS),
  });
}

async function audit(
  deps: TokenDeps,
  call: TokenCall,
  clientId: string | undefined,
  outcome: 'success' | 'refused',
  facts: Readonly<Record<string, string>>,
): Promise<void> {
  await deps.audit.append(call.issuer.tenantId, {
    action: outcome === 'success' ? 'token.issue' : 'token.refuse',
    outcome,
    // What was sent as a client id may be anything; only one of the right form is worth keeping.
    client: clientId !== undefined && /^[A-Za-z0-9]{22}$/.test(clientId) ? clientId : undefined,
    requestId: call.requestId,
    address: call.address,
    facts,
  });
}
