import type { ExportFile } from './export-job.ts';
import { type ExportFiles, type FileSink, newFileName } from './files.ts';

/** A file is closed at either bound (payer-to-payer.md 3.4). */
export interface FileLimits {
  readonly resourcesMax: number;
  readonly sizeBytesMax: number;
}

export const FILE_LIMITS: FileLimits = { resourcesMax: 100_000, sizeBytesMax: 256 * 1024 * 1024 };

/** Lines are gathered into writes of this size: row-wise writes cost 3.5 times the CPU (storage.md 6). */
const WRITE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** Writes the lines of one part into files, and holds one write buffer whatever the size. */
export interface PartWriter {
  /** Resolves at once unless a buffer has to be written: that is the back-pressure. The line has no newline in it. */
  write(line: Buffer): Promise<void> | undefined;
  /** Writes the rest and closes. A part without lines has no file. Durable once the storage has synced the files. */
  close(): Promise<readonly ExportFile[]>;
  /** Closes and removes what was written. */
  discard(): Promise<void>;
}

export interface PartWriterOptions {
  readonly files: ExportFiles;
  readonly tenantId: number;
  readonly jobId: string;
  readonly type: string;
  readonly kind: ExportFile['kind'];
  readonly limits: FileLimits;
}

interface OpenFile {
  readonly name: string;
  readonly sink: FileSink;
  resources: number;
  sizeBytes: number;
}

export function makePartWriter({ files, tenantId, jobId, type, kind, limits }: PartWriterOptions): PartWriter {
  const closed: ExportFile[] = [];
  let file: OpenFile | undefined;
  // Small parts (most are) never need the whole buffer; it grows once to its full size.
  let buffer = Buffer.allocUnsafe(16 * 1024);
  let used = 0;

  async function flush(): Promise<void> {
    if (used > 0) await file!.sink.write(buffer.subarray(0, used));
    used = 0;
  }
  async function openFile(): Promise<void> {
    const name = newFileName(type);
    file = { name, sink: await files.create({ tenantId, jobId, name }), resources: 0, sizeBytes: 0 };
  }
  async function closeFile(): Promise<void> {
    if (!file) return;
    await flush();
    await file.sink.close();
    closed.push({ name: file.name, kind, type, resources: file.resources, sizeBytes: file.sizeBytes });
    file = undefined;
  }
  function append(line: Buffer): void {
    if (used + line.length + 1 > buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(line.length + 1, WRITE_BYTES));
      buffer.copy(grown, 0, 0, used);
      buffer = grown;
    }
    line.copy(buffer, used);
    buffer[used + line.length] = NEWLINE;
    used += line.length + 1;
    file!.resources += 1;
    file!.sizeBytes += line.length + 1;
  }
  async function writeSlowly(line: Buffer): Promise<void> {
    if (file && isFull(file, line)) await closeFile();
    if (!file) await openFile();
    if (used + line.length + 1 > WRITE_BYTES) await flush();
    append(line);
  }
  const isFull = (current: OpenFile, line: Buffer): boolean =>
    current.resources >= limits.resourcesMax ||
    (current.resources > 0 && current.sizeBytes + line.length + 1 > limits.sizeBytesMax);

  return {
    write(line) {
      if (!file || isFull(file, line) || used + line.length + 1 > WRITE_BYTES) return writeSlowly(line);
      append(line);
      return undefined;
    },
    async close() {
      await closeFile();
      return closed;
    },
    async discard() {
      await file?.sink.abandon();
      file = undefined;
      await files.remove(
        tenantId,
        jobId,
        closed.map(({ name }) => name),
      );
    },
  };
}
