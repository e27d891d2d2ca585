import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { BrokenArchive, decompressed, skipBytes } from './decompress.ts';

const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `{"line":${i}}\n`).join(''));
async function read(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([
  ['plain', (bytes: Buffer) => bytes],
  ['.gz', gzipSync],
  [
    '.gz of two members',
    (bytes: Buffer) => Buffer.concat([gzipSync(bytes.subarray(0, 999)), gzipSync(bytes.subarray(999))]),
  ],
  ['.zst', (bytes: Buffer) => zstdCompressSync(bytes)],
])('%s is read, whatever the file is called and wherever its chunks end', async (_, compress) => {
  for (const size of [1, 1000, 1 << 20])
    expect(await read(decompressed(pieces(compress(size === 1 ? text.subarray(0, 3000) : text), size)))).toEqual(
      size === 1 ? text.subarray(0, 3000) : text,
    );
});

test.each([
  ['gzip', gzipSync(text)],
  ['zstd', zstdCompressSync(text)],
])('a %s that is cut off or damaged is an error, not a short file', async (_, archive) => {
  await expect(read(decompressed(pieces(archive.subarray(0, archive.length - 9), 500)))).rejects.toThrow(BrokenArchive);
  await expect(read(decompressed(pieces(archive.subarray(0, 40), 500)))).rejects.toThrow(BrokenArchive);
});

test('an error of the input stays itself', async () => {
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield gzipSync(text).subarray(0, 100);
    throw new Error('disk trouble');
  };
  await expect(read(decompressed(failing()))).rejects.toThrow('disk trouble');
});

test('a reader that stops early closes what it read from', async () => {
  const stream = Readable.from(pieces(gzipSync(text), 100));
  for await (const _chunk of decompressed(stream)) break;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(stream.destroyed).toBe(true);
});

test('skipping leaves exactly what follows', async () => {
  for (const skip of [0, 1, 99, 100, 101, text.length, text.length + 5])
    expect(await read(skipBytes(pieces(text, 100), skip))).toEqual(text.subarray(skip));
});
