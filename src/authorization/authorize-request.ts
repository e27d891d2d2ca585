import type { Client } from '#/onboarding/clients.ts';
import { redirectUriProblem } from '#/onboarding/redirect-uris.ts';
import type { Issuer } from './issuer.ts';
import { asksForSomething, narrowForMember } from './member-scopes.ts';
import { splitScopes } from './scopes.ts';
import type { SegmentRules } from './segment.ts';

/** RFC 6749 4.1.2.1. */
export type AuthorizeError =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'login_required';

/** Why a request cannot even be answered to the app: the browser must not be sent anywhere (AUTH-01). */
export type PageReason = 'client' | 'access-type' | 'redirect-uri';

export type AuthorizeDecision =
  | { readonly kind: 'page'; readonly reason: PageReason }
  | {
      readonly kind: 'refuse';
      readonly redirectUri: string;
      readonly state: string | undefined;
      readonly error: AuthorizeError;
      /** For the developer, in the address; never anything that was sent. */
      readonly description: string;
    }
  /** What the engine is asked. */
  | { readonly kind: 'go'; readonly parameters: Readonly<Record<string, string>> };

const PARAMETERS_MAX = 50;
const STATE_CHARACTERS_MAX = 4_000;
/** 43 characters of base64url: SHA-256 (RFC 7636 4.2). */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
/** Passed on only when an id_token is asked for: the engine refuses them otherwise, and real apps always send a nonce. */
const WITH_OPENID = ['nonce', 'max_age', 'acr_values', 'claims'] as const;

/**
 * Reads a request for authorization by the rules of the client's launch profile, and turns it into what the engine is asked:
 * what older instructions leave out is filled in for `classic` clients, the scopes are narrowed, and nothing else goes on.
 *
 * Source: patient-access.md 1.3, 1.11, 2.4, 2.5; authorization.md 6, 7.
 *
 * @param client the one that `client_id` names, when it is active at the tenant
 */
export function decideAuthorize(
  sent: URLSearchParams,
  {
    rules,
    client,
    issuer,
  }: { readonly rules: SegmentRules; readonly client: Client | undefined; readonly issuer: Issuer },
): AuthorizeDecision {
  const environment = issuer.tenant?.kind ?? 'production';
  if (!client || sent.getAll('client_id').length !== 1) return { kind: 'page', reason: 'client' };
  if (client.accessType !== rules.accessType) return { kind: 'page', reason: 'access-type' };
  const [redirectUri, ...others] = sent.getAll('redirect_uri');
  // Equal letter by letter; what production does not allow is none of the client's there, even if it was stored (AUTH-02).
  const isRegistered =
    redirectUri !== undefined &&
    others.length === 0 &&
    client.redirectUris.includes(redirectUri) &&
    redirectUriProblem(redirectUri, environment) === undefined;
  if (!isRegistered) return { kind: 'page', reason: 'redirect-uri' };

  const states = sent.getAll('state');
  const state = states.length === 1 && states[0] !== '' ? states[0] : undefined;
  const refuse = (error: AuthorizeError, description: string): AuthorizeDecision => ({
    kind: 'refuse',
    redirectUri,
    state,
    error,
    description,
  });
  const problem = malformed(sent);
  if (problem !== undefined) return refuse('invalid_request', problem);

  const strict = client.launchProfile === 'smart';
  const value = (name: string): string | undefined => sent.get(name) || undefined;
  const responseType = value('response_type') ?? (strict ? undefined : 'code');
  if (responseType === undefined) return refuse('invalid_request', 'response_type is missing.');
  if (responseType !== 'code') return refuse('unsupported_response_type', 'Only response_type=code is supported.');
  if (strict && state === undefined) return refuse('invalid_request', 'state is missing.');
  if (value('response_mode') !== undefined && value('response_mode') !== 'query')
    return refuse('invalid_request', 'Only response_mode=query is supported.');
  for (const name of ['request', 'request_uri', 'registration'])
    if (sent.has(name)) return refuse('invalid_request', `${name} is not supported.`);

  const challenge = value('code_challenge');
  if (challenge === undefined && sent.has('code_challenge_method'))
    return refuse('invalid_request', 'code_challenge is missing.');
  if (challenge === undefined && strict) return refuse('invalid_request', 'PKCE is needed: code_challenge is missing.');
  if (challenge !== undefined && value('code_challenge_method') !== 'S256')
    return refuse('invalid_request', 'code_challenge_method must be S256.');
  if (challenge !== undefined && !CHALLENGE.test(challenge))
    return refuse('invalid_request', 'code_challenge must be a SHA-256 in base64url.');

  const audience = value('aud') ?? value('resource');
  if (audience === undefined && strict) return refuse('invalid_request', 'aud is missing: send the FHIR base.');
  if (audience !== undefined && !isSameBase(audience, issuer.audience))
    return refuse('invalid_request', 'aud is not the FHIR base of this server.');
  if (value('aud') !== undefined && value('resource') !== undefined && !isSameBase(value('resource')!, issuer.audience))
    return refuse('invalid_request', 'resource is not the FHIR base of this server.');

  const asked = value('scope') ?? (strict ? undefined : rules.defaultScope);
  if (asked === undefined) return refuse('invalid_scope', 'scope is missing.');
  const tokens = splitScopes(asked);
  if (tokens === undefined) return refuse('invalid_scope', 'scope is too long.');
  const scopes = narrowForMember(tokens, rules.mayShare);
  if (!asksForSomething(scopes)) return refuse('invalid_scope', 'Nothing of the scope can be granted here.');

  const prompts = (value('prompt') ?? '').split(' ').filter((prompt) => prompt !== '');
  // Each authorization asks the member, so there is none without a page.
  if (prompts.includes('none')) return refuse('login_required', 'The member has to be asked.');
  const openid = scopes.includes('openid');
  const optional = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.flatMap((name) => (value(name) === undefined ? [] : [[name, value(name) as string]])));
  return {
    kind: 'go',
    parameters: {
      client_id: client.clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: scopes.join(' '),
      resource: issuer.audience,
      segment: rules.segment,
      prompt: prompts.includes('login') ? 'login consent' : 'consent',
      ...(state === undefined ? {} : { state }),
      ...(challenge === undefined ? {} : { code_challenge: challenge, code_challenge_method: 'S256' }),
      ...optional(['ui_locales']),
      ...(openid ? optional(WITH_OPENID) : {}),
    },
  };
}

/** The address that tells an app that its request was refused (RFC 6749 4.1.2.1, RFC 9207). */
export function refusalAddress(refusal: Extract<AuthorizeDecision, { kind: 'refuse' }>, issuerUrl: string): string {
  const parameters = new URLSearchParams({
    error: refusal.error,
    error_description: refusal.description,
    ...(refusal.state === undefined ? {} : { state: refusal.state }),
    iss: issuerUrl,
  });
  // Appended as text: a parsed and written address may differ from the registered one.
  return `${refusal.redirectUri}${refusal.redirectUri.includes('?') ? '&' : '?'}${parameters}`;
}

function malformed(sent: URLSearchParams): string | undefined {
  const names = [...sent.keys()];
  if (names.length > PARAMETERS_MAX) return 'There are too many parameters.';
  // RFC 8707 allows `resource` more than once; one server is asked for here.
  if (new Set(names).size !== names.length) return 'A parameter may be sent once.';
  if ((sent.get('state') ?? '').length > STATE_CHARACTERS_MAX) return 'state is too long.';
  for (const [name, text] of sent)
    if (hasControlCharacters(name) || hasControlCharacters(text) || text.includes('\uFFFD'))
      return 'A parameter holds characters that are not allowed.';
  return undefined;
}

function hasControlCharacters(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return true;
  return false;
}

/** Scheme and host in any case, one slash at the end more or less, the path letter by letter (patient-access.md 2.5). */
export function isSameBase(given: string, base: string): boolean {
  if (!URL.canParse(given) || /[?#]/.test(given)) return false;
  const plain = (text: string): string => {
    const match = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)(.*)$/i.exec(text);
    return match ? `${match[1]?.toLowerCase()}${match[2]?.replace(/\/$/, '')}` : text;
  };
  return plain(given) === plain(base);
}
