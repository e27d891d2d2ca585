import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { loadFeed } from '#/ingest/load-feed.ts';
import { dayOf } from '#/sandbox/generate/calendar.ts';
import { population } from '#/sandbox/generate/population.ts';
import { writePopulation } from '#/sandbox/write-population.ts';
import type { Figure } from './harness.ts';
import { startBenchPlatform } from './platform.ts';

const MEMBERS = 2_000;

/** A generated plan through the whole pipeline, against two parallel raw COPYs of the same lines into one text column. */
export async function benchLoad(): Promise<Figure[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-bench-feed-'));
  const signal = new AbortController().signal;
  await writePopulation(population({ members: MEMBERS, seed: 'bench', asOf: dayOf(2026, 1, 1) }), folder, signal);
  const files = (await readdir(folder))
    .filter((file) => file.endsWith('.ndjson'))
    .map((file) => path.join(folder, file));
  const bytes = (await Promise.all(files.map(async (file) => (await stat(file)).size))).reduce(
    (sum, size) => sum + size,
    0,
  );
  const platform = await startBenchPlatform();
  const { services, tenant } = platform;
  const load = async (): Promise<number> => {
    const began = performance.now();
    await loadFeed(services, tenant, [{ kind: 'path', path: folder }]);
    return bytes / ((performance.now() - began) / 1_000);
  };
  const ours = await load();
  const again = await load();
  await services.database.owner.query('create table bench_raw (line text)');
  const began = performance.now();
  const copy = async (part: readonly string[]): Promise<void> => {
    const client = await services.database.owner.connect();
    try {
      for (const file of part)
        await pipeline(
          createReadStream(file),
          client.query(copyFrom(`copy bench_raw from stdin (format csv, quote e'\\x01', delimiter e'\\x02')`)),
        );
    } finally {
      client.release();
    }
  };
  const halves = [files.filter((_, i) => i % 2 === 0), files.filter((_, i) => i % 2 === 1)];
  await Promise.all(halves.map(copy));
  const raw = bytes / ((performance.now() - began) / 1_000);
  const parseBegan = performance.now();
  for (const file of files)
    for (const line of (await readFile(file, 'utf8')).split('\n')) if (line !== '') JSON.parse(line);
  const parse = bytes / ((performance.now() - parseBegan) / 1_000);
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
  const conditions = `${MEMBERS} generated members, ${Math.round(bytes / 1e6)} MB of NDJSON, embedded database, one run`;
  return [
    {
      name: 'load',
      unit: 'bytes/s',
      ours,
      limit: raw,
      against: 'two parallel raw COPYs of the same lines',
      goal: 0.28,
      conditions,
    },
    {
      name: 'load again',
      unit: 'bytes/s',
      ours: again,
      limit: parse,
      against: 'one core’s JSON.parse',
      goal: 0.5,
      conditions,
    },
  ];
}
