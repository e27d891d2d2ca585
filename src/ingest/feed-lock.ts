import { setTimeout as sleep } from 'node:timers/promises';
import type { TenantDatabase } from '#/platform/db/database.ts';
import { FeedRefusal } from './feed.ts';
import { releaseFeedLock, tryFeedLock } from './feed-store.ts';
import { FEED_LIMITS } from './limits.ts';

const RETRY_MS = 250;

/**
 * One feed at a time goes into a tenant: two would overtake each other, and the merge would have to be repeated. The
 * lock dies with its connection, so that a killed run is in nobody's way for longer than its last statement takes.
 *
 * @throws FeedRefusal `feed-running`
 */
export function withFeedLock<T>(
  db: TenantDatabase,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return db.connection(async (connection) => {
    const tries = (FEED_LIMITS.lockWaitSeconds * 1000) / RETRY_MS;
    for (let i = 0; !(await tryFeedLock(connection)); i++) {
      signal?.throwIfAborted();
      if (i >= tries) throw new FeedRefusal('feed-running');
      await sleep(RETRY_MS);
    }
    try {
      return await work();
    } finally {
      // If the connection is gone, so is the lock; what `work` threw tells more.
      await releaseFeedLock(connection).catch(() => undefined);
    }
  });
}
