import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

export type Compression = 'gzip' | 'zstd' | 'none';

/** By the first bytes, whatever the name says: gzip (RFC 1952, 2.3.1) or Zstandard (RFC 8878, 3.1.1). */
export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  return 'none';
}

/** The archive ends too soon, or is damaged. */
export class BrokenArchive extends Error {
  override readonly name = 'BrokenArchive';
}

/**
 * The content of a stream that may be compressed.
 *
 * @throws BrokenArchive while reading
 */
export async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < 4) {
    const next = await input.next();
    if (next.done) break;
    first.push(next.value);
    length += next.value.length;
  }
  const compression = compressionOf(Buffer.concat(first));
  const whole = rejoin(first, input);
  if (compression === 'none') {
    yield* whole;
    return;
  }
  let inputError: unknown;
  const watched = watch(whole, (error) => {
    inputError = error;
  });
  const stream = Readable.from(watched, { objectMode: false });
  const inflate = compression === 'gzip' ? createGunzip({ chunkSize: 256 * 1024 }) : createZstdDecompress();
  stream.on('error', (error) => inflate.destroy(error));
  stream.pipe(inflate);
  try {
    for await (const chunk of inflate) yield chunk as Buffer;
  } catch (error) {
    if (inputError !== undefined) throw inputError;
    throw new BrokenArchive('the archive is cut off or damaged', { cause: error });
  } finally {
    stream.destroy();
    inflate.destroy();
  }
}

/** Everything behind the first `bytes` of a stream. */
export async function* skipBytes(source: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of source) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
}

async function* rejoin(first: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* watch(source: AsyncIterable<Uint8Array>, failed: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    failed(error);
    throw error;
  }
}
