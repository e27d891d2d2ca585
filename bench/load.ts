import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { from as copyFrom } from 'pg-copy-streams';
import type { FeedReport } from '#/ingest/feed.ts';
import { type BenchFeed, benchFeed, halvesOf, type Piece } from './feed.ts';
import { type Figure, type Measurement, medianOf, repeat, secondsOf } from './harness.ts';
import { type BenchPlatform, startBenchPlatform } from './platform.ts';
import { type Usage, watchUsage } from './process-usage.ts';

const MEMBERS = 6_000;
const ENTRY = fileURLToPath(new URL('../bin/covered-bridge.mjs', import.meta.url));

export const load: Measurement = {
  name: 'load',
  about: 'a generated feed through `feed load`, and the same feed again',
  async run() {
    const feed = await benchFeed(MEMBERS);
    const runs = await repeat(async () => ({ ...(await measureStore(feed)), parse: await parseRate(feed) }));
    return figuresOf(feed, runs);
  },
};

interface Loaded extends Usage {
  /** Of the feed, a second. */
  readonly rate: number;
  readonly postgresCpuSeconds: number;
}

interface Run {
  readonly raw: number;
  readonly first: Loaded;
  readonly again: Loaded;
  readonly parse: number;
}

/** Each run has a database of its own, so that the third does not write beside what the first left. */
async function measureStore(feed: BenchFeed): Promise<Omit<Run, 'parse'>> {
  const platform = await startBenchPlatform({ serves: false });
  const { owner } = platform.services.database;
  try {
    await owner.query('create table bench_raw (line text)');
    await owner.query('checkpoint');
    const halves = await halvesOf(feed);
    const rawSeconds = await secondsOf(() => Promise.all(halves.map((half) => rawCopy(platform, half))));
    await owner.query('drop table bench_raw');
    const first = await loadOnce(platform, feed, 'stored');
    const again = await loadOnce(platform, feed, 'unchanged');
    return { raw: feed.bytes / rawSeconds, first, again };
  } finally {
    await platform.stop();
  }
}

/** The lines as they are, into one text column of a table that is logged: what PostgreSQL does at the least. */
async function rawCopy({ services }: BenchPlatform, pieces: readonly Piece[]): Promise<void> {
  const client = await services.database.owner.connect();
  try {
    const into = client.query(copyFrom(`copy bench_raw from stdin (format csv, quote e'\\x01', delimiter e'\\x02')`));
    await pipeline(async function* () {
      for (const { file, start, end } of pieces)
        yield* createReadStream(file, { start, end: end - 1, highWaterMark: 256 * 1024 });
    }, into);
  } finally {
    client.release();
  }
}

/** The command as an operator runs it, in a process of its own. Its own account of the time is taken: it leaves the start of Node out. */
async function loadOnce(platform: BenchPlatform, feed: BenchFeed, expected: 'stored' | 'unchanged'): Promise<Loaded> {
  const { owner } = platform.services.database;
  await owner.query('checkpoint');
  const pidFile = await owner.query<{ text: string }>(`select pg_read_file('postmaster.pid') as text`);
  const postgres = watchUsage(Number.parseInt(pidFile.rows[0]!.text, 10));
  const child = spawn(
    process.execPath,
    [...process.execArgv, ENTRY, 'feed', 'load', platform.tenant.slug, feed.folder, '--json'],
    { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, DATA_DIR: platform.dataDir } },
  );
  const node = watchUsage(child.pid ?? 0);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await new Promise((ended) => child.on('close', ended));
  const usage = node.stop();
  const report: FeedReport = JSON.parse(output);
  // The generator draws a coverage that ends before it begins once in a hundred thousand: that is refused.
  if (report[expected] + report.refused !== feed.resources)
    throw new Error(`${expected}: ${report[expected]} of ${feed.resources}`);
  return { ...usage, rate: feed.bytes / report.seconds, postgresCpuSeconds: postgres.stop().cpuSeconds };
}

/** JSON.parse alone, of lines that are text already. */
async function parseRate(feed: BenchFeed): Promise<number> {
  let seconds = 0;
  for (const file of feed.files) {
    let rest = '';
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 4 << 20 })) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      const began = performance.now();
      for (const line of lines) JSON.parse(line);
      seconds += (performance.now() - began) / 1_000;
    }
  }
  return feed.bytes / seconds;
}

function figuresOf(feed: BenchFeed, runs: readonly Run[]): Figure[] {
  const size = `${feed.resources.toLocaleString('en-US')} generated resources, ${Math.round(feed.bytes / 1e6)} MB of NDJSON`;
  const where = 'into an empty embedded database, warm files, `covered-bridge feed load` as a process of its own';
  const mega = (pick: (run: Run) => number): number[] => runs.map((run) => pick(run) / 1e6);
  const details = (pick: (run: Run) => Loaded): Record<string, number> => ({
    'resources/s': medianOf(runs.map((run) => (pick(run).rate / feed.bytes) * feed.resources)),
    'CPU seconds of Node, all threads': medianOf(runs.map((run) => pick(run).cpuSeconds)),
    'CPU seconds of PostgreSQL, all processes': medianOf(runs.map((run) => pick(run).postgresCpuSeconds)),
  });
  return [
    {
      name: 'load',
      unit: 'MB/s',
      ours: mega((run) => run.first.rate),
      limit: {
        against: 'two parallel COPYs of the same lines into one text column of a logged table, same server',
        runs: mega((run) => run.raw),
      },
      goal: { ratio: 0.28 },
      conditions: `${size}, ${where}`,
      details: details((run) => run.first),
    },
    {
      name: 'load again',
      unit: 'MB/s',
      ours: mega((run) => run.again.rate),
      limit: { against: 'JSON.parse of the same lines on one core', runs: mega((run) => run.parse) },
      goal: { ratio: 0.5 },
      conditions: `the same feed once more, all of it unchanged; ${size}`,
      details: details((run) => run.again),
    },
    {
      name: 'load memory',
      unit: 'MB',
      ours: mega((run) => Math.max(run.first.memoryBytes, run.again.memoryBytes)),
      goal: { atMost: 400 },
      conditions: `most resident memory of the command, all processes and threads of Node, every 50 ms; ${size}`,
    },
  ];
}
