import { createHash, timingSafeEqual } from 'node:crypto';

/** SHA-256 of a text (as UTF-8) or of bytes. */
export function sha256(input: string | Buffer): Buffer {
  return createHash('sha256').update(input).digest();
}

/** Compares two byte strings in a time that does not depend on where they differ. */
export function safeEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
