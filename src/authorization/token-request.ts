import type { Client } from '#/onboarding/clients.ts';
import { safeEqual, sha256 } from '#/platform/crypto/hash.ts';
import { isGoodAt } from './engine.ts';
import type { Issuer } from './issuer.ts';

/** An answer of RFC 6749 5.2. Descriptions are ours and never repeat what was sent. */
export class OAuthRefusal extends Error {
  override readonly name = 'OAuthRefusal';
  readonly status: number;
  readonly error: string;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, error: string, description: string, headers: Readonly<Record<string, string>> = {}) {
    super(description);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

export interface TokenRequest {
  readonly parameters: ReadonlyMap<string, string>;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** How the client signed in: a failure with Basic is answered with a challenge. */
  readonly usedBasic: boolean;
}

const PARAMETERS_MAX = 50;

/**
 * Reads a form body and the Authorization header of the token endpoint.
 *
 * @throws OAuthRefusal `invalid_request` for repeated or malformed parameters and for two ways to sign in at once (RFC 6749 2.3)
 */
export function parseTokenRequest(body: string, authorization: string | undefined): TokenRequest {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (parameters.has(name)) throw invalid('A parameter may be sent once.');
    if (hasControls(name) || hasControls(value) || value.includes('\ufffd'))
      throw invalid('A parameter holds characters that are not allowed.');
    parameters.set(name, value);
    if (parameters.size > PARAMETERS_MAX) throw invalid('There are too many parameters.');
  }
  const basic = parseBasic(authorization);
  if (basic && parameters.has('client_secret')) throw invalid('Send the client credentials in one way only.');
  if (basic && (parameters.get('client_id') ?? basic.id) !== basic.id)
    throw invalid('The header and the body name different clients.');
  const clientId = basic?.id ?? parameters.get('client_id');
  if (clientId === undefined || clientId === '')
    throw parameters.has('client_assertion')
      ? clientUnknown(false)
      : new OAuthRefusal(401, 'invalid_client', 'The client did not sign in.');
  return {
    parameters,
    clientId,
    clientSecret: basic?.secret ?? parameters.get('client_secret'),
    usedBasic: basic !== undefined,
  };
}

/** RFC 6749 2.3.1: both parts are form-encoded before they are joined; many clients forget it, and both are taken. */
function parseBasic(authorization: string | undefined): { id: string; secret: string } | undefined {
  if (authorization === undefined) return undefined;
  const match = /^Basic ([A-Za-z0-9+/=_-]+)$/i.exec(authorization.trim());
  if (!match?.[1]) throw invalid('The Authorization header is not of the form "Basic ...".');
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw invalid('The Authorization header holds no client credentials.');
  return { id: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** The environments of the secret that was shown; undefined when it is none of the client's, or not good at this issuer. */
export function environmentsOfSecret(client: Client, secret: string, issuer: Issuer): readonly string[] | undefined {
  const hash = sha256(secret);
  const matches = client.secrets.filter((known) => safeEqual(known.sha256, hash));
  const good = matches.find((known) => isGoodAt(known.environments, issuer));
  return good?.environments;
}

/** One answer for an unknown client, a wrong secret, a suspended one and one of another environment. */
export function clientUnknown(usedBasic: boolean): OAuthRefusal {
  return new OAuthRefusal(
    401,
    'invalid_client',
    'The client is unknown, or its credentials are wrong here.',
    usedBasic ? { 'www-authenticate': 'Basic realm="token", charset="UTF-8"' } : {},
  );
}

/** NUL and other control characters are in no parameter of OAuth. */
function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return true;
  return false;
}

function invalid(description: string): OAuthRefusal {
  return new OAuthRefusal(400, 'invalid_request', description);
}
