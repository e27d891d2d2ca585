import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline, type Writable } from 'node:stream';
import { tarEnd, tarHeader, tarPadding } from '#/platform/archive/tar.ts';
import { compress, SUMS } from './format.ts';

/** Writes a backup's archive beside its final name and gives it that name only when it is whole and on the disk. */
export interface ArchiveWriter {
  folder(name: string): Promise<void>;
  add(name: string, sizeBytes: number, content: AsyncIterable<Buffer>): Promise<void>;
  addFile(name: string, file: string): Promise<void>;
  /** @returns the size of the archive */
  finish(): Promise<number>;
  /** Removes what was written. Never fails. */
  abandon(): Promise<void>;
}

/** @param file must not exist */
export async function makeArchive(file: string): Promise<ArchiveWriter> {
  // Taken over when an earlier run was killed: it is no backup, and nobody else writes while the lock is held.
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  const compressor = compress();
  const target = createWriteStream(partial, { mode: 0o600, flags: 'wx' });
  const written = new Promise<void>((resolve, reject) =>
    pipeline(compressor, target, (error) => (error ? reject(error) : resolve())),
  );
  written.catch(() => undefined); // seen where the archive is written to or finished
  const sums: string[] = [];

  async function write(bytes: Buffer): Promise<void> {
    if (compressor.destroyed) await written;
    if (bytes.length > 0 && !compressor.write(bytes)) await drained(compressor);
  }
  async function add(name: string, sizeBytes: number, content: AsyncIterable<Buffer>): Promise<void> {
    await write(tarHeader(name, 'file', sizeBytes));
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.length;
      await write(chunk);
    }
    if (bytes !== sizeBytes) throw new Error(`${name} changed its size while it was read`);
    await write(tarPadding(sizeBytes));
    sums.push(`${hash.digest('hex')}  ${name}\n`);
  }
  return {
    folder: (name) => write(tarHeader(name, 'folder', 0)),
    add,
    async addFile(name, path) {
      await add(name, (await stat(path)).size, createReadStream(path, { highWaterMark: 256 * 1024 }));
    },
    async finish() {
      const text = Buffer.from(sums.join(''));
      await write(tarHeader(SUMS, 'file', text.length));
      await write(Buffer.concat([text, tarPadding(text.length), tarEnd()]));
      compressor.end();
      await written;
      const { size } = await stat(partial);
      await syncPath(partial, 'r+');
      await rename(partial, file);
      if (process.platform !== 'win32') await syncPath(path.dirname(file), 'r');
      return size;
    },
    async abandon() {
      compressor.destroy();
      await written.catch(() => undefined);
      await rm(partial, { force: true }).catch(() => undefined);
    },
  };
}

/** Resolves when there is room again, or there never will be. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

async function syncPath(target: string, flags: string): Promise<void> {
  const handle = await open(target, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
