import { existsSync, statSync } from 'node:fs';
import { open, readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { dayOf } from '#/sandbox/generate/calendar.ts';
import { population } from '#/sandbox/generate/population.ts';
import { writePopulation } from '#/sandbox/write-population.ts';

export interface BenchFeed {
  readonly folder: string;
  readonly files: readonly string[];
  readonly resources: number;
  readonly bytes: number;
}

/** A piece of a file, of whole lines. */
export interface Piece {
  readonly file: string;
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/**
 * A generated plan as NDJSON, one file for each type. Made once and kept in the machine's temporary folder, because
 * making it takes longer than loading it.
 *
 * @param members 6,000 are some 300,000 resources of 2.4 KB on average, EOBs of 7.6 KB being a fifth of them
 */
export async function benchFeed(members: number): Promise<BenchFeed> {
  const folder = path.join(os.tmpdir(), `covered-bridge-bench-feed-${members}`);
  const mark = path.join(folder, 'complete');
  if (!existsSync(mark)) {
    const asOf = dayOf(2026, 1, 1);
    await writePopulation(population({ members, seed: 'bench', asOf }), folder, new AbortController().signal);
    await writeFile(mark, '');
  }
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort();
  const paths = files.map((name) => path.join(folder, name));
  const bytes = paths.reduce((sum, file) => sum + statSync(file).size, 0);
  return { folder, files: paths, resources: await countLines(paths), bytes };
}

/** The feed in two halves of about the same size, each file cut at the line end nearest to its middle. */
export async function halvesOf(feed: BenchFeed): Promise<readonly [readonly Piece[], readonly Piece[]]> {
  const first: Piece[] = [];
  const second: Piece[] = [];
  for (const file of feed.files) {
    const end = statSync(file).size;
    const middle = await lineEndFrom(file, end >> 1, end);
    first.push({ file, start: 0, end: middle });
    if (middle < end) second.push({ file, start: middle, end });
  }
  return [first, second];
}

async function lineEndFrom(file: string, from: number, end: number): Promise<number> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1 << 20), 0, 1 << 20, from);
    const newline = buffer.subarray(0, bytesRead).indexOf(0x0a);
    return newline < 0 ? end : from + newline + 1;
  } finally {
    await handle.close();
  }
}

async function countLines(files: readonly string[]): Promise<number> {
  let count = 0;
  for (const file of files) {
    const handle = await open(file);
    for await (const chunk of handle.createReadStream()) for (const byte of chunk as Buffer) if (byte === 0x0a) count++;
  }
  return count;
}
