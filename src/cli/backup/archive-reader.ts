import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { CommandRefused } from '#/platform/cli/command.ts';
import { decompressorFor } from './format.ts';

/**
 * The tar stream of a backup, however it is compressed.
 *
 * @throws CommandRefused when the file cannot be read
 */
export async function openArchive(file: string): Promise<AsyncIterable<Buffer>> {
  const head = Buffer.alloc(4);
  try {
    const handle = await open(file, 'r');
    await handle.read(head, 0, head.length, 0);
    await handle.close();
  } catch {
    throw new CommandRefused('unreadable', `The file ${file} cannot be read.`);
  }
  const content = createReadStream(file, { highWaterMark: 1024 * 1024 });
  const decompressor = decompressorFor(head);
  return decompressor ? pipeline(content, decompressor, () => undefined) : content;
}
