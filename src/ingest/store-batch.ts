import { mergeBatch } from '#/fhir/store/merge.ts';
import { type ChangedResource, countNotMatchable, indexMembers } from '#/members/match/index-members.ts';
import type { TenantDatabase, WriteTransaction } from '#/platform/db/database.ts';
import { noteLabelled } from '#/sensitivity/labels-now.ts';
import type { LabelRules } from '#/sensitivity/rules.ts';
import { type BatchWrites, countBatch, keysOf, type ResourceKey, writesOf } from './batch.ts';
import { FeedRefusal } from './feed.ts';
import { type FeedResource, type IncomingItem, isFhir, type SettledItem } from './feed-item.ts';
import { checkpoint, insertSeen, insertWaiting, type WaitingResource } from './feed-store.ts';
import type { Preparation } from './pipeline.ts';
import type { RefusedFile, RefusedLine } from './refused-file.ts';
import { type FeedCounts, type FeedPosition, type FeedRun, withBatch } from './run.ts';
import { settle } from './settle.ts';

/** What a step of a run needs: where to write, and what was counted before it. */
export interface Storing {
  readonly db: TenantDatabase;
  readonly run: FeedRun;
  /** By which what comes in is labelled. */
  readonly rules: LabelRules;
  readonly refused: RefusedFile;
  readonly counts: FeedCounts;
  readonly seconds: number;
  readonly dryRun: boolean;
  readonly fullSnapshot: boolean;
  /** The position behind the last file. */
  readonly end: FeedPosition;
  readonly signal: AbortSignal | undefined;
}

/** What storing a batch needs beside it: who prepares the lines that were only looked at. */
export interface StoringBatch extends Storing {
  readonly by: Pick<Preparation, 'pool' | 'repeats'>;
}

export interface StoreBatch {
  readonly items: readonly IncomingItem[];
  /** The file of an item, by its index. */
  nameOf(i: number): string;
  readonly next: FeedPosition;
  readonly bytes: number;
  readonly isFhir: boolean;
}

type SettledBatch = Pick<StoreBatch, 'nameOf'> & { readonly items: readonly SettledItem[] };

/** Undoes a dry run's transaction once it has told what it would do. */
class Undo extends Error {}

/**
 * Stores a batch, what it means for the member index, and how far the run is now, all in one transaction.
 *
 * @param requireWithinLimit refuses before anything of the batch is committed
 * @throws FeedRefusal
 */
export async function storeBatch(
  storing: StoringBatch,
  batch: StoreBatch,
  requireWithinLimit: (counts: FeedCounts) => void,
): Promise<{ counts: FeedCounts; notMatchable: number }> {
  let done = { counts: storing.counts, notMatchable: 0 };
  const work = async (tx: WriteTransaction): Promise<void> => {
    // The commit need not wait for the disk: the position goes with it, so what a crash takes is read again.
    await tx.query('set local synchronous_commit = off');
    const items = await settle(tx, batch.items, storing.by);
    const settled = { items, nameOf: batch.nameOf };
    const refusedLines = refusedIn(settled);
    await storing.refused.append(refusedLines);
    const outcome = await writeAll(tx, writesOf(items));
    const counts = withBatch(
      storing.counts,
      countBatch(items, {
        ...outcome,
        waiting: storing.dryRun ? [] : outcome.waiting,
        changed: storing.dryRun ? [...outcome.changed, ...outcome.waiting] : outcome.changed,
      }),
      refusedLines.map((line) => line.reason),
      { bytes: batch.bytes, seconds: storing.seconds, isFhir: batch.isFhir || items.some(isFhir) },
    );
    requireWithinLimit(counts);
    done = { counts, notMatchable: 0 };
    if (storing.dryRun) {
      done.notMatchable = await countNotMatchable(tx);
      throw new Undo();
    }
    await insertWaiting(tx, storing.run.id, waitingOf(settled, outcome.waiting));
    if (storing.fullSnapshot) await insertSeen(tx, storing.run.id, keysOf(items));
    await commitPosition(tx, storing, batch.next, counts);
  };
  await storing.db.writeTransaction(work).catch((error: unknown) => {
    if (!(error instanceof Undo)) throw error;
  });
  return done;
}

/**
 * Writes the position in the transaction that stores what lies before it.
 *
 * @throws FeedRefusal `feed-running` when another process has taken the run over
 */
export async function commitPosition(
  tx: WriteTransaction,
  storing: Storing,
  position: FeedPosition,
  counts: FeedCounts,
): Promise<void> {
  await noteLabelled(tx, storing.rules);
  const at = { position, counts, refusedBytes: storing.refused.bytes };
  if (!(await checkpoint(tx, storing.run, at))) throw new FeedRefusal('feed-running');
}

export interface WriteOutcome {
  readonly changed: readonly ResourceKey[];
  readonly deleted: number;
  readonly waiting: readonly FeedResource[];
}

/** Resources and member index. */
export async function writeAll(tx: WriteTransaction, writes: BatchWrites): Promise<WriteOutcome> {
  if (writes.resources.length === 0 && writes.deletes.length === 0) return { changed: [], deleted: 0, waiting: [] };
  const merged = await mergeBatch(tx, writes.resources, writes.deletes);
  await indexMembers(tx, merged.changed.flatMap(indexed), writes.deletes);
  return { changed: merged.changed, deleted: merged.deleted, waiting: merged.unresolved };
}

/** The member index looks at what came with its text: Patients and Coverages among it. */
function indexed({ type, id, owner, text }: FeedResource): ChangedResource[] {
  return text === undefined ? [] : [{ type, id, owner, text }];
}

function refusedIn(batch: SettledBatch): RefusedLine[] {
  return batch.items.flatMap((item, i) =>
    item.kind === 'refused'
      ? [
          {
            file: batch.nameOf(i),
            line: item.line,
            ...(item.entry === undefined ? {} : { entry: item.entry }),
            reason: item.reason,
            ...(item.path === undefined ? {} : { path: item.path }),
          },
        ]
      : [],
  );
}

function waitingOf(batch: SettledBatch, waiting: readonly FeedResource[]): WaitingResource[] {
  if (waiting.length === 0) return [];
  const wanted = new Set(waiting);
  return batch.items.flatMap((item, i) =>
    item.kind === 'resource' && wanted.has(item.resource)
      ? [{ file: batch.nameOf(i), line: item.line, entry: item.entry, content: item.resource.text ?? '' }]
      : [],
  );
}
