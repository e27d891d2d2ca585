import { ASSERTION_TYPE, claimedClientOf } from './client-assertion.ts';
import { assertionRefused, invalidRequest, OAuthRefusal } from './oauth-refusal.ts';

/** What a client sent to the token, introspection or revocation endpoint. */
export interface TokenRequest {
  readonly parameters: ReadonlyMap<string, string>;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** A client assertion; not looked at yet. */
  readonly assertion: string | undefined;
  /** How the client signed in: a failure with Basic is answered with a challenge. */
  readonly usedBasic: boolean;
}

const PARAMETERS_MAX = 50;

/**
 * Reads a form body and the Authorization header. A parameter without a value counts as not sent (RFC 6749 3.2).
 *
 * @throws OAuthRefusal `invalid_request` for repeated or malformed parameters and for two ways to sign in at once
 *   (RFC 6749 2.3); `invalid_client` when no client is named, or an assertion that names none
 */
export function parseTokenRequest(body: string, authorization: string | undefined): TokenRequest {
  const parameters = parseForm(body);
  const basic = authorization === undefined ? undefined : parseBasic(authorization);
  const ways = [basic !== undefined, parameters.has('client_secret'), parameters.has('client_assertion')];
  if (ways.filter(Boolean).length > 1) throw invalidRequest('Send the client credentials in one way only.');
  if (basic && (parameters.get('client_id') ?? basic.id) !== basic.id)
    throw invalidRequest('The header and the body name different clients.');
  const assertion = parameters.get('client_assertion');
  const clientId =
    basic?.id ?? (assertion === undefined ? parameters.get('client_id') : clientOf(assertion, parameters));
  if (clientId === undefined || clientId === '')
    throw new OAuthRefusal(401, 'invalid_client', 'The client did not sign in.');
  return {
    parameters,
    clientId,
    clientSecret: basic?.secret ?? parameters.get('client_secret'),
    assertion,
    usedBasic: basic !== undefined,
  };
}

/** The client that an assertion names; `client_id` beside it must name the same (RFC 7521 4.2). */
function clientOf(assertion: string, parameters: ReadonlyMap<string, string>): string {
  const type = parameters.get('client_assertion_type');
  if (type === undefined) throw invalidRequest('client_assertion_type is missing.');
  if (type !== ASSERTION_TYPE) throw assertionRefused('type', `client_assertion_type must be ${ASSERTION_TYPE}.`);
  const claimed = claimedClientOf(assertion);
  if (claimed === undefined || claimed === '')
    throw assertionRefused('malformed', 'it must be a signed JWT whose iss and sub are the client id.');
  if ((parameters.get('client_id') ?? claimed) !== claimed)
    throw assertionRefused('subject', 'client_id and sub name different clients.');
  return claimed;
}

function parseForm(body: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const names = new Set<string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (names.has(name)) throw invalidRequest('A parameter may be sent once.');
    if (!isPlainText(name) || !isPlainText(value))
      throw invalidRequest('A parameter holds characters that are not allowed.');
    names.add(name);
    if (names.size > PARAMETERS_MAX) throw invalidRequest('There are too many parameters.');
    if (value !== '') parameters.set(name, value);
  }
  return parameters;
}

/** RFC 6749 2.3.1: both parts are form-encoded before they are joined; many clients forget it, and both are taken. */
function parseBasic(authorization: string): { id: string; secret: string } {
  const match = /^Basic +([A-Za-z0-9+/_-]+=*)$/i.exec(authorization.trim());
  if (!match?.[1]) throw invalidRequest('The Authorization header is not of the form "Basic ...".');
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw invalidRequest('The Authorization header holds no client credentials.');
  return { id: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** No NUL or other control character is in any parameter of OAuth, nor what stands where bytes were not UTF-8. */
function isPlainText(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return false;
  return !text.includes('\ufffd');
}
