import { readKeys } from '#/fhir/store/resource-keys.ts';
import type { ResourceKey } from './batch.ts';
import { FeedRefusal } from './feed.ts';
import { notSeen } from './feed-store.ts';
import { FEED_LIMITS } from './limits.ts';
import type { FeedCounts } from './run.ts';
import { commitPosition, type Storing, writeAll } from './store-batch.ts';

/**
 * Deletes what a full snapshot did not hold. First it counts: when more than a twentieth of everything would go, the
 * feed is more likely to be cut than the plan to have shrunk, so that needs a second word.
 *
 * @throws FeedRefusal `too-many-deletions`; what the feed held is stored by then
 */
export async function deleteVanished(storing: Storing, isConfirmed: boolean): Promise<FeedCounts> {
  let total = 0;
  let missing = 0;
  for await (const { keys, gone } of missingKeys(storing)) {
    total += keys;
    missing += gone.length;
  }
  if (!isConfirmed && missing > total * FEED_LIMITS.snapshotDeletedShare)
    throw new FeedRefusal('too-many-deletions', { missing, total });
  let { counts } = storing;
  for await (const { gone } of missingKeys(storing)) {
    if (gone.length === 0) continue;
    await storing.db.writeTransaction(async (tx) => {
      await tx.query('set local synchronous_commit = off');
      const outcome = await writeAll(tx, { resources: [], deletes: gone });
      const after = { ...counts, vanished: counts.vanished + outcome.deleted, seconds: storing.seconds };
      await commitPosition(tx, storing, storing.end, after);
      counts = after;
    });
  }
  return counts;
}

async function* missingKeys({ db, run, signal }: Storing): AsyncGenerator<{ keys: number; gone: ResourceKey[] }> {
  for (let after: ResourceKey | undefined; ; ) {
    signal?.throwIfAborted();
    const keys: readonly ResourceKey[] = await readKeys(db, after, FEED_LIMITS.batchResources);
    const last = keys.at(-1);
    if (last === undefined) return;
    yield { keys: keys.length, gone: await notSeen(db, db.tenantId, run.id, keys) };
    after = last;
  }
}
