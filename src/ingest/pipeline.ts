import { type IncomingItem, resourceBytes } from './feed-item.ts';
import { FEED_LIMITS } from './limits.ts';
import type { FeedPlan } from './plan.ts';
import type { Unit } from './prepare-unit.ts';
import type { Repeats } from './repeats.ts';
import type { FeedPosition } from './run.ts';
import { sightLines } from './sight.ts';
import { type PlacedUnit, unitsOf } from './units.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Items of a feed that go into one transaction. */
export interface FeedBatch {
  readonly items: readonly IncomingItem[];
  /** The file of each item. */
  readonly files: readonly number[];
  /** Where a run that has stored this batch goes on. */
  readonly next: FeedPosition;
  /** Of the feed, up to `next`. */
  readonly bytes: number;
  /** Was anything in it FHIR, good or bad? Of lines that were only looked at it is not known yet. */
  readonly isFhir: boolean;
  readonly isLast: boolean;
}

/**
 * Reads a feed from a position on: threads prepare the units ahead, and what they made comes out in the order of the
 * feed, gathered into batches. While the caller stores one batch, the next ones are made; at most
 * `blocksPerWorker` units a thread are in work, which is what bounds memory.
 */
export async function* batchesOf(
  plan: FeedPlan,
  from: FeedPosition,
  by: Preparation,
  bytesBefore: number,
): AsyncGenerator<FeedBatch> {
  let items: IncomingItem[] = [];
  let files: number[] = [];
  let size = 0;
  let isFhir = false;
  let skip = from.skip;
  let { file, line } = from;
  let bytes = bytesBefore;
  const cut = (next: FeedPosition, isLast: boolean): FeedBatch => {
    const batch = { items, files, next, bytes, isFhir, isLast };
    items = [];
    files = [];
    size = 0;
    return batch;
  };
  for await (const { placed, prepared } of inOrder(plan, from, by)) {
    if (placed.file !== file) {
      file = placed.file;
      line = 0;
    }
    isFhir ||= prepared.isFhir;
    const before = line;
    for (const [i, item] of prepared.items.entries()) {
      if (i < skip) continue;
      items.push(placed.countsOwnLines ? { ...item, line: before + item.line } : item);
      files.push(file);
      size += bytesOf(item);
      if (items.length >= FEED_LIMITS.batchResources || size >= FEED_LIMITS.batchBytes)
        yield cut({ file, offset: placed.offset, skip: i + 1, line: before }, false);
    }
    // A unit may have been cut a little longer in the run that is taken up.
    skip = Math.max(0, skip - prepared.items.length);
    line = before + prepared.lines;
    bytes += placed.end - placed.offset;
    if (items.length === 0) continue;
    // A batch may also hold the beginning of the next unit; only here can it end between two.
    if (items.length >= FEED_LIMITS.batchResources / 2) yield cut({ file, offset: placed.end, skip: 0, line }, false);
  }
  yield cut({ file: plan.files.length, offset: 0, skip: 0, line: 0 }, true);
}

/** Who makes items of units. */
export interface Preparation {
  readonly pool: WorkerPool;
  readonly repeats: Repeats;
  /** The beginning of the keys of lines. */
  readonly program: Uint8Array;
}

/** Lines of a feed that is likely to be known are only looked at, here and now: that takes less than handing them over. */
async function prepare(unit: Unit, { pool, repeats, program }: Preparation): Promise<Ready['prepared']> {
  if (unit.kind === 'lines' && repeats.sightsNext()) {
    const { buffer, byteOffset, byteLength } = unit.bytes;
    const sighted = sightLines(Buffer.from(buffer, byteOffset, byteLength), program);
    if (sighted) return { ...sighted, isFhir: false };
  }
  return pool.prepare(unit);
}

function bytesOf(item: IncomingItem): number {
  if (item.kind === 'sighted') return item.text.length;
  return item.kind === 'resource' ? resourceBytes(item.resource) : 0;
}

interface Ready {
  readonly placed: Omit<PlacedUnit, 'unit'>;
  readonly prepared: { readonly items: readonly IncomingItem[]; readonly lines: number; readonly isFhir: boolean };
}

async function* inOrder(plan: FeedPlan, from: FeedPosition, by: Preparation): AsyncGenerator<Ready> {
  const inWork: Promise<Ready>[] = [];
  const most = by.pool.size * FEED_LIMITS.blocksPerWorker + 1;
  try {
    for (const [index, file] of plan.files.entries()) {
      if (index < from.file) continue;
      for await (const { unit, ...placed } of unitsOf(file, index, index === from.file ? from.offset : 0)) {
        const ready = prepare(unit, by).then((prepared) => ({ placed, prepared }));
        ready.catch(() => undefined); // awaited below, in its turn
        inWork.push(ready);
        if (inWork.length >= most) yield (await inWork.shift()) as Ready;
      }
    }
    while (inWork.length > 0) yield (await inWork.shift()) as Ready;
  } finally {
    await Promise.allSettled(inWork);
  }
}

/** Has the next one made while the last one is worked on. */
export async function* ahead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = source.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done) return;
      next = source.next();
      next.catch(() => undefined); // awaited above, in its turn
      yield value;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return(undefined);
  }
}
