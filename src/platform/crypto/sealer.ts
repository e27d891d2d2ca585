import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { sha256 } from './hash.ts';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Seals small secrets (private keys) under the platform's master key. */
export interface Sealer {
  /** First 8 bytes of the master key's hash, in hex: kept beside what is sealed, so that it can be re-wrapped. */
  readonly keyId: string;
  seal(plain: string | Buffer, boundTo: string): Buffer;
  unseal(sealed: Buffer, boundTo: string): Buffer;
  /** HMAC-SHA256 under a key of its own: for short secrets, whose bare hash could be found by trying all of them. */
  mac(text: string, purpose: string): Buffer;
}

/**
 * AES-256-GCM under a 32-byte master key. The layout of a sealed value is iv (12) | tag (16) | cipher text.
 * `boundTo` (additional data, for example the key's id) must be the same at both ends, so that a sealed value
 * cannot be moved to another row.
 *
 * @throws Error when the value was sealed under another key, for another owner, or was changed
 */
export function makeSealer(masterKey: Buffer): Sealer {
  if (masterKey.length !== 32) throw new Error('The master key must have 32 bytes.');
  return {
    keyId: sha256(masterKey).subarray(0, 8).toString('hex'),
    seal(plain, boundTo) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', masterKey, iv);
      cipher.setAAD(Buffer.from(boundTo));
      const text = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), text]);
    },
    unseal(sealed, boundTo) {
      const decipher = createDecipheriv('aes-256-gcm', masterKey, sealed.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(boundTo));
      decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
    },
    mac(text, purpose) {
      const key = createHmac('sha256', masterKey).update(`mac|${purpose}`).digest();
      return createHmac('sha256', key).update(text).digest();
    },
  };
}
