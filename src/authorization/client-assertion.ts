import { decodeJwt, decodeProtectedHeader } from 'jose';
import { ASSERTION_ALGORITHMS } from '#/onboarding/public-keys.ts';
import { assertionRefused } from './oauth-refusal.ts';

/** RFC 7523 2.2. */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** SMART: at most 5 minutes; the rest is for clocks that differ. */
export const ASSERTION_AHEAD_SECONDS_MAX = 305;
export const ASSERTION_CLOCK_TOLERANCE_SECONDS = 5;
const ASSERTION_CHARACTERS_MAX = 8 * 1024;
const JTI_CHARACTERS_MAX = 256;
const TYPES: readonly unknown[] = [undefined, 'JWT', 'jwt', 'client-authentication+jwt'];

/** What an assertion says of itself; who made it is not known yet. */
export interface Assertion {
  readonly text: string;
  readonly clientId: string;
  readonly kid: string;
  /** Where the keys are said to be. */
  readonly jku: string | undefined;
  readonly jti: string;
  readonly expiresAt: Date;
}

/** The `sub` of what may be an assertion, unchecked: for the record and for limits. Undefined: there is none that is a text. */
export function claimedClientOf(text: string): string | undefined {
  try {
    const { sub } = decodeJwt(text) as { sub?: unknown };
    return typeof sub === 'string' ? sub : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a client assertion and checks all that can be seen without knowing the client, so that every such fault may be told
 * plainly.
 *
 * @param audiences what names this issuer: its token endpoint, the endpoint that was called, or its `iss`
 * @throws OAuthRefusal 401 `invalid_client`
 *
 * Source: RFC 7523 3; SMART App Launch 2.2, client-confidential-asymmetric; payer-to-payer.md 8.1.
 */
export function readAssertion(text: string, audiences: readonly string[], now: Date): Assertion {
  const { header, claims } = decode(text);
  const { alg, typ, kid, jku } = header;
  if (!(ASSERTION_ALGORITHMS as readonly unknown[]).includes(alg))
    throw assertionRefused('algorithm', `alg must be one of ${ASSERTION_ALGORITHMS.join(', ')}.`);
  if (!TYPES.includes(typ)) throw assertionRefused('type', 'typ must be JWT.');
  if (typeof kid !== 'string' || kid === '') throw assertionRefused('key-id', 'kid is missing in the header.');
  const { iss, sub, aud, exp, nbf, jti } = claims;
  if (typeof sub !== 'string' || iss !== sub)
    throw assertionRefused('subject', 'iss and sub must both be the client id.');
  // More than one audience would let whoever is named beside us use it here (RFC 7523 bis).
  const named = Array.isArray(aud) ? aud : [aud];
  if (named.length === 0 || !named.every((audience) => typeof audience === 'string' && audiences.includes(audience)))
    throw assertionRefused('audience', 'aud must be the address of the token endpoint, and nobody else’s.');
  const seconds = now.getTime() / 1_000;
  if (typeof exp !== 'number') throw assertionRefused('expiry', 'exp is missing.');
  if (exp <= seconds - ASSERTION_CLOCK_TOLERANCE_SECONDS) throw assertionRefused('expiry', 'exp has passed.');
  if (exp > seconds + ASSERTION_AHEAD_SECONDS_MAX)
    throw assertionRefused('expiry', 'exp may be at most 5 minutes ahead.');
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= seconds + ASSERTION_CLOCK_TOLERANCE_SECONDS))
    throw assertionRefused('expiry', 'nbf is still ahead.');
  if (typeof jti !== 'string' || jti === '' || jti.length > JTI_CHARACTERS_MAX)
    throw assertionRefused('jti', `jti must have 1 to ${JTI_CHARACTERS_MAX} characters.`);
  return {
    text,
    clientId: sub,
    kid,
    // What is no text can equal no registered address.
    jku: jku === undefined ? undefined : String(jku),
    jti,
    expiresAt: new Date(exp * 1_000),
  };
}

function decode(text: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  if (text.length <= ASSERTION_CHARACTERS_MAX)
    try {
      return { header: { ...decodeProtectedHeader(text) }, claims: decodeJwt(text) };
    } catch {
      // Told below.
    }
  throw assertionRefused('malformed', `it must be a signed JWT of at most ${ASSERTION_CHARACTERS_MAX} characters.`);
}
