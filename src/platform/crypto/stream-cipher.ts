import { type CipherGCM, createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

/**
 * A long stream of bytes under AES-256-GCM, in chunks, so that nothing has to be held whole and nothing is handed out
 * before its tag was checked. The layout:
 *
 *     "CBX1" | salt (16) | chunk 0 | tag 0 | chunk 1 | tag 1 | ... | last tag
 *
 * Each chunk is 256 KiB, only the last may be shorter; the last tag seals an empty chunk that is marked as the end, so
 * that a stream cut off, also between two chunks, is noticed. The key of a stream comes from the given key, its own salt
 * and `boundTo` by HKDF-SHA-256: no two streams share a key, so a chunk's number is its nonce, and a stream that is moved
 * to another place does not open there. Byte n of the plain text stands in chunk n / 256 KiB, whose place is known.
 *
 * It is the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar (2015).
 */
const MAGIC = Buffer.from('CBX1');
const SALT_BYTES = 16;
const HEADER_BYTES = MAGIC.length + SALT_BYTES;
const TAG_BYTES = 16;
/** 64 KiB costs half the speed (1.2 GB/s against 2.5), 1 MiB gains a quarter more and four times the memory of a reader. */
const CHUNK_BYTES = 256 * 1024;

export interface StreamCipher {
  /** The encrypted form of the next bytes; the first call also gives the header. */
  update(plain: Buffer): Buffer;
  /** What ends the stream. */
  final(): Buffer;
}

/** @param key 32 bytes */
export function makeStreamCipher(key: Buffer, boundTo: string): StreamCipher {
  const salt = randomBytes(SALT_BYTES);
  const streamKey = deriveKey(key, salt, boundTo);
  let index = 0;
  let inChunk = 0;
  let cipher: CipherGCM | undefined;
  let header: Buffer | undefined = Buffer.concat([MAGIC, salt]);

  const begin = (isEnd: boolean): CipherGCM => createCipheriv('aes-256-gcm', streamKey, nonceOf(index++, isEnd));
  function endChunk(out: Buffer[]): void {
    if (!cipher) return;
    cipher.final();
    out.push(cipher.getAuthTag());
    cipher = undefined;
    inChunk = 0;
  }
  function started(): Buffer[] {
    const out = header ? [header] : [];
    header = undefined;
    return out;
  }
  return {
    update(plain) {
      const out = started();
      for (let offset = 0; offset < plain.length; ) {
        cipher ??= begin(false);
        const part = plain.subarray(offset, offset + CHUNK_BYTES - inChunk);
        out.push(cipher.update(part));
        offset += part.length;
        inChunk += part.length;
        if (inChunk === CHUNK_BYTES) endChunk(out);
      }
      return out.length === 1 ? out[0]! : Buffer.concat(out);
    },
    final() {
      const out = started();
      endChunk(out);
      const end = begin(true);
      end.final();
      out.push(end.getAuthTag());
      return Buffer.concat(out);
    },
  };
}

/** Does a stream begin so? NDJSON begins with a brace. */
export const isEncryptedStream = (start: Buffer): boolean => start.subarray(0, MAGIC.length).equals(MAGIC);

/**
 * Gives back the plain bytes. A stream that was never encrypted passes as it is.
 *
 * Ends with an error, before it hands out the bytes in question, when the stream was changed, cut off or moved, or the key
 * is another.
 *
 * @param keyOf asked only for a stream that is encrypted
 */
export function makeStreamDecipher(keyOf: () => Promise<Buffer>, boundTo: string): Transform {
  let streamKey: Buffer | undefined;
  let isPlain = false;
  let index = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;

  function take(bytes: number): Buffer {
    const all = held.length === 1 ? held[0]! : Buffer.concat(held, heldBytes);
    held = bytes < heldBytes ? [all.subarray(bytes)] : [];
    heldBytes -= bytes;
    return all.subarray(0, bytes);
  }
  function open(sealed: Buffer, isEnd: boolean): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', streamKey!, nonceOf(index++, isEnd), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    decipher.final();
    return plain;
  }
  async function begin(): Promise<void> {
    held = [Buffer.concat(held, heldBytes)];
    if (!isEncryptedStream(held[0]!)) {
      isPlain = true;
      return;
    }
    if (heldBytes < HEADER_BYTES) throw new Error('an encrypted stream was cut off');
    const salt = take(HEADER_BYTES).subarray(MAGIC.length);
    streamKey = deriveKey(await keyOf(), salt, boundTo);
  }
  async function more(stream: Transform, isLast: boolean): Promise<void> {
    if (!streamKey && !isPlain && (heldBytes >= HEADER_BYTES || isLast)) await begin();
    if (isPlain) {
      if (heldBytes > 0) stream.push(take(heldBytes));
      return;
    }
    if (!streamKey) return;
    // More than a whole chunk and the tag of the end: then that chunk is not the last.
    while (heldBytes > CHUNK_BYTES + 2 * TAG_BYTES) stream.push(open(take(CHUNK_BYTES + TAG_BYTES), false));
    if (!isLast) return;
    if (heldBytes > TAG_BYTES) stream.push(open(take(heldBytes - TAG_BYTES), false));
    if (heldBytes !== TAG_BYTES) throw new Error('an encrypted stream was cut off');
    open(take(TAG_BYTES), true);
  }
  const failed = (callback: TransformCallback) => (cause: unknown) =>
    callback(new Error('an encrypted stream could not be opened', { cause }));
  return new Transform({
    readableHighWaterMark: CHUNK_BYTES,
    transform(chunk: Buffer, _encoding, callback) {
      held.push(chunk);
      heldBytes += chunk.length;
      more(this, false).then(() => callback(), failed(callback));
    },
    flush(callback) {
      more(this, true).then(() => callback(), failed(callback));
    },
  });
}

function deriveKey(key: Buffer, salt: Buffer, boundTo: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, `covered-bridge stream ${boundTo}`, 32));
}

/** 12 bytes: the chunk's number and whether it is the end. */
function nonceOf(index: number, isEnd: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = isEnd ? 1 : 0;
  return nonce;
}
