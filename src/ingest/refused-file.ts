import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { FeedRefusal } from './feed.ts';

/** A line of the refused file: where it stands and why, never what it says. */
export interface RefusedLine {
  readonly file: string;
  readonly line: number;
  /** In a Bundle: the index of the entry; `3.0` is the first entry of a Bundle that is entry 3. */
  readonly entry?: string;
  readonly reason: string;
  /** The element at fault. */
  readonly path?: string;
}

/** The lines a feed could not take, one JSON object each, readable by this user only. Made with the first refusal. */
export class RefusedFile {
  readonly path: string;
  /** Bytes that the run's checkpoint knows of. */
  #bytes: number;
  #handle: FileHandle | undefined;

  constructor(file: string, bytes = 0) {
    this.path = file;
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws FeedRefusal `refused-file-failed` when it cannot be written, as on a full disk */
  async append(lines: readonly RefusedLine[]): Promise<void> {
    if (lines.length === 0) return;
    try {
      this.#handle ??= await this.#open();
      const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done);
        done += bytesWritten;
      }
      this.#bytes += bytes.length;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    if (!handle) return;
    try {
      await handle.datasync().catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EINVAL') throw error; // not a file on a disk
      });
    } catch (error) {
      throw this.#failure(error);
    } finally {
      await handle.close().catch(() => undefined);
    }
  }

  /** What a broken run wrote behind its last checkpoint is written again, so it is cut off first. */
  async #open(): Promise<FileHandle> {
    await mkdir(path.dirname(this.path), { recursive: true, mode: 0o700 });
    const handle = await open(this.path, 'a', 0o600);
    const about = await handle.stat();
    if (about.isFile()) {
      await handle.chmod(0o600);
      if (about.size > this.#bytes) await handle.truncate(this.#bytes);
    }
    return handle;
  }

  #failure(error: unknown): FeedRefusal {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return new FeedRefusal('refused-file-failed', { path: this.path, why }, { cause: error });
  }
}
