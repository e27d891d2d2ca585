import { createPublicKey } from 'node:crypto';

/** How a client may sign its assertions; SMART demands the first two (payer-to-payer.md 8.1). */
export const ASSERTION_ALGORITHMS = ['RS384', 'ES384', 'RS256', 'ES256'] as const;

export const KEYS_PER_CLIENT_MAX = 20;
export const JWKS_BYTES_MAX = 64 * 1024;
const KID_CHARACTERS_MAX = 200;
const RSA_BITS_MIN = 2_048;
/** More only makes a check slow. */
const RSA_BITS_MAX = 8_192;
const RSA_EXPONENT_MAX = 0xffff_ffffn;

/** A public key that a client may sign with, as RFC 7517 writes it. */
export interface PublicKey {
  readonly kty: 'RSA' | 'EC';
  readonly kid: string;
  readonly [member: string]: unknown;
}

export type KeyProblem =
  | 'private'
  | 'not-rsa-or-ec'
  | 'no-kid'
  | 'not-for-signing'
  | 'algorithm'
  | 'weak'
  | 'malformed';

/** Why a JWK set may not be registered: what is wrong with all of it, or with the key at `index`. */
export type KeySetProblem =
  | { readonly kind: 'not-a-key-set' | 'no-keys' | 'too-many-keys' }
  | { readonly kind: KeyProblem | 'kid-twice'; readonly index: number };

/**
 * Reads a JWK set that somebody registers: every key in it must be of use.
 *
 * Source: RFC 7517; SMART App Launch 2.2, "Registering a client" (backend services): RSA or EC, with a `kid`, public parts only.
 */
export function parseKeySet(text: string): readonly PublicKey[] | KeySetProblem {
  const keys = keysIn(text);
  if (!keys) return { kind: 'not-a-key-set' };
  if (keys.length === 0) return { kind: 'no-keys' };
  if (keys.length > KEYS_PER_CLIENT_MAX) return { kind: 'too-many-keys' };
  const kids = new Set<unknown>();
  for (const [index, key] of keys.entries()) {
    const problem = keyProblem(key);
    if (problem) return { kind: problem, index };
    const { kid } = key as PublicKey;
    if (kids.has(kid)) return { kind: 'kid-twice', index };
    kids.add(kid);
  }
  return keys as readonly PublicKey[];
}

/** The keys of use in a JWK set that a client publishes, where others may stand beside; undefined: it is no JWK set. */
export function usableKeys(text: string): readonly PublicKey[] | undefined {
  return keysIn(text)
    ?.slice(0, KEYS_PER_CLIENT_MAX)
    .filter((key): key is PublicKey => keyProblem(key) === undefined);
}

function keysIn(text: string): readonly unknown[] | undefined {
  if (text.length > JWKS_BYTES_MAX) return undefined;
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    return undefined;
  }
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

function keyProblem(key: unknown): KeyProblem | undefined {
  if (typeof key !== 'object' || key === null || Array.isArray(key)) return 'malformed';
  const { kty, kid, use, alg, key_ops: operations } = key as Record<string, unknown>;
  if (PRIVATE_MEMBERS.some((member) => member in key)) return 'private';
  if (kty !== 'RSA' && kty !== 'EC') return 'not-rsa-or-ec';
  if (typeof kid !== 'string' || kid === '' || kid.length > KID_CHARACTERS_MAX) return 'no-kid';
  if (use !== undefined && use !== 'sig') return 'not-for-signing';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'not-for-signing';
  if (alg !== undefined && !(ASSERTION_ALGORITHMS as readonly unknown[]).includes(alg)) return 'algorithm';
  try {
    const { asymmetricKeyDetails: details } = createPublicKey({ key: key as never, format: 'jwk' });
    if (kty === 'EC') return curveProblem(details?.namedCurve, alg);
    if (alg !== undefined && !String(alg).startsWith('RS')) return 'algorithm';
    const bits = details?.modulusLength ?? 0;
    const isSound = bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && (details?.publicExponent ?? 0n) <= RSA_EXPONENT_MAX;
    return isSound ? undefined : 'weak';
  } catch {
    return 'malformed';
  }
}

/** ES256 is made with P-256, ES384 with P-384 (RFC 7518 3.4). */
function curveProblem(curve: string | undefined, alg: unknown): KeyProblem | undefined {
  const algorithm = { prime256v1: 'ES256', secp384r1: 'ES384' }[curve ?? ''];
  return algorithm === undefined || (alg !== undefined && alg !== algorithm) ? 'algorithm' : undefined;
}
