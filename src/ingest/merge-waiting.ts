import { prepareResource } from '#/fhir/store/prepare.ts';
import { countBatch, writesOf } from './batch.ts';
import type { FeedItem } from './feed-item.ts';
import { takeWaiting, type WaitingResource } from './feed-store.ts';
import { FEED_LIMITS } from './limits.ts';
import type { RefusedLine } from './refused-file.ts';
import { type FeedCounts, withBatch } from './run.ts';
import { commitPosition, type Storing, writeAll } from './store-batch.ts';

/**
 * Stores what waited for the end of the feed, now that everything it may name is there. What still names nothing we
 * have is refused: nobody could say whose it is.
 */
export async function mergeWaiting(
  storing: Storing,
  requireWithinLimit: (counts: FeedCounts) => void,
): Promise<FeedCounts> {
  let { counts } = storing;
  for (let more = true; more; ) {
    storing.signal?.throwIfAborted();
    await storing.db.writeTransaction(async (tx) => {
      await tx.query('set local synchronous_commit = off');
      const waiting = await takeWaiting(tx, storing.run.id, FEED_LIMITS.batchResources);
      more = waiting.length > 0;
      if (!more) return;
      const items = waiting.map(prepared);
      const outcome = await writeAll(tx, writesOf(items));
      const lost = new Set(outcome.waiting);
      const refused = items.flatMap((item, i): RefusedLine[] => {
        const reason = item.kind === 'refused' ? item.reason : TARGET_UNKNOWN;
        if (item.kind === 'resource' && !lost.has(item.resource)) return [];
        const { file, line, entry } = waiting[i] as WaitingResource;
        return [{ file, line, ...(entry === undefined ? {} : { entry }), reason }];
      });
      await storing.refused.append(refused);
      const after = withBatch(
        counts,
        { ...countBatch(items, outcome), refused: refused.length },
        refused.map((line) => line.reason),
        { bytes: counts.bytes, seconds: storing.seconds, isFhir: true },
      );
      requireWithinLimit(after);
      await commitPosition(tx, storing, storing.end, after);
      counts = after;
    });
  }
  return counts;
}

const TARGET_UNKNOWN = 'target-unknown';

function prepared({ content, line }: WaitingResource): FeedItem {
  const resource = prepareResource(JSON.parse(content), content);
  if ('refused' in resource) return { kind: 'refused', line, reason: resource.refused };
  return { kind: 'resource', line, resource };
}
