import { decodeJwt } from 'jose';
import { sha256 } from '#/platform/crypto/hash.ts';

/** Is it a JWT (of a system client), or an opaque token (of a member's app)? */
export function isJwt(token: string): boolean {
  return token.split('.').length === 3;
}

/** By which the record names a token: the `jti` of a JWT, or the hash under which an opaque one is stored. Never the token. */
export function tokenIdOf(token: string): string | undefined {
  return isJwt(token) ? decodeJwt(token).jti : opaqueKey(token);
}

/** The key of an opaque token in the store (adapter rule 1). */
export function opaqueKey(token: string): string {
  return sha256(token).toString('base64url');
}
