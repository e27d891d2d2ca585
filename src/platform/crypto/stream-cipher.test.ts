import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEncryptedStream, makeStreamCipher, makeStreamDecipher } from './stream-cipher.ts';

const CHUNK = 256 * 1024;
const key = randomBytes(32);

function encrypt(plain: Buffer, steps: readonly number[] = [plain.length], boundTo = 'here'): Buffer {
  const cipher = makeStreamCipher(key, boundTo);
  const out: Buffer[] = [];
  let offset = 0;
  for (const step of [...steps, plain.length]) {
    out.push(cipher.update(plain.subarray(offset, offset + step)));
    offset = Math.min(plain.length, offset + step);
  }
  out.push(cipher.final());
  return Buffer.concat(out);
}
async function decrypt(sealed: Buffer, pieceBytes = 65_536, options: { key?: Buffer; boundTo?: string } = {}) {
  const pieces = [];
  for (let at = 0; at < sealed.length; at += pieceBytes) pieces.push(sealed.subarray(at, at + pieceBytes));
  const decipher = makeStreamDecipher(async () => options.key ?? key, options.boundTo ?? 'here');
  const [plain] = await Promise.all([buffer(decipher), pipeline(Readable.from(pieces), decipher)]);
  return plain;
}

describe('what was encrypted comes back, whatever its size and however it arrives', () => {
  test.each([0, 1, 15, 16, 17, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 16, CHUNK + 32, CHUNK + 33, 3 * CHUNK])(
    '%i bytes',
    async (bytes) => {
      const plain = randomBytes(bytes);
      const sealed = encrypt(plain, [1, 1000, CHUNK]);
      expect(sealed.length).toBe(20 + bytes + Math.ceil(bytes / CHUNK) * 16 + 16);
      for (const piece of [7_777, CHUNK + 16, 10 * CHUNK])
        expect((await decrypt(sealed, piece)).equals(plain)).toBe(true);
    },
  );

  test('any cuts on the way in and out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 * CHUNK }),
        fc.array(fc.integer({ min: 0, max: CHUNK }), { maxLength: 8 }),
        fc.integer({ min: 1_000, max: 2 * CHUNK }),
        async (bytes, steps, piece) => {
          const plain = randomBytes(bytes);
          expect((await decrypt(encrypt(plain, steps), piece)).equals(plain)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('nothing of the plain text stands in it, and the same bytes never look the same twice', () => {
    const plain = Buffer.from('{"resourceType":"Patient"}\n'.repeat(20_000));
    const [one, two] = [encrypt(plain), encrypt(plain)];
    expect(one.includes('Patient')).toBe(false);
    expect(one.subarray(20, 60).equals(two.subarray(20, 60))).toBe(false);
  });

  test('what was never encrypted passes as it is', async () => {
    for (const text of ['', '{', '{}\n', `{"a":"${'x'.repeat(600_000)}"}\n`])
      expect((await decrypt(Buffer.from(text))).toString()).toBe(text);
    expect(isEncryptedStream(Buffer.from('{"resourceType"'))).toBe(false);
  });
});

describe('what was touched does not open', () => {
  const plain = randomBytes(2 * CHUNK + 500);
  const sealed = encrypt(plain);
  const record = CHUNK + 16;

  test.each([
    ['cut off after the header', sealed.subarray(0, 20)],
    ['cut off inside the header', sealed.subarray(0, 12)],
    ['cut off inside a chunk', sealed.subarray(0, 20 + 5_000)],
    ['cut off between two chunks', sealed.subarray(0, 20 + record)],
    ['without its end', sealed.subarray(0, sealed.length - 16)],
    ['with something behind its end', Buffer.concat([sealed, Buffer.from('x')])],
    [
      'two chunks exchanged',
      Buffer.concat([
        sealed.subarray(0, 20),
        sealed.subarray(20 + record, 20 + 2 * record),
        sealed.subarray(20, 20 + record),
        sealed.subarray(20 + 2 * record),
      ]),
    ],
    ['a chunk left out', Buffer.concat([sealed.subarray(0, 20), sealed.subarray(20 + record)])],
  ])('%s', async (_what, touched) => {
    await expect(decrypt(touched)).rejects.toThrow('could not be opened');
  });

  test('one bit anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: sealed.length - 1 }),
        fc.integer({ min: 0, max: 7 }),
        async (at, bit) => {
          const touched = Buffer.from(sealed);
          touched[at]! ^= 1 << bit;
          await expect(decrypt(touched)).rejects.toThrow('could not be opened');
        },
      ),
      { numRuns: 60 },
    );
  });

  test('under another key, or moved to another place', async () => {
    await expect(decrypt(sealed, CHUNK, { key: randomBytes(32) })).rejects.toThrow('could not be opened');
    await expect(decrypt(sealed, CHUNK, { boundTo: 'elsewhere' })).rejects.toThrow('could not be opened');
  });

  test('not one byte of a chunk is handed out before its tag was checked', async () => {
    const touched = Buffer.from(sealed);
    touched[20 + record + 3]! ^= 1; // in the second chunk
    const decipher = makeStreamDecipher(async () => key, 'here');
    const seen: Buffer[] = [];
    decipher.on('data', (chunk: Buffer) => seen.push(chunk));
    await expect(pipeline(Readable.from([touched]), decipher)).rejects.toThrow('could not be opened');
    expect(Buffer.concat(seen).equals(plain.subarray(0, CHUNK))).toBe(true);
  });
});
