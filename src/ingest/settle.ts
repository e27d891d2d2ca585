import { compareSources, lockTenant } from '#/fhir/store/locator.ts';
import type { WriteTransaction } from '#/platform/db/database.ts';
import type { FeedItem, IncomingItem, SettledItem, SightedItem } from './feed-item.ts';
import { FEED_LIMITS } from './limits.ts';
import type { Preparation } from './pipeline.ts';
import type { WorkerPool } from './worker-pool.ts';

/**
 * Decides about lines that were only looked at: what is stored from the same line is known; everything else is prepared
 * now. In the transaction that stores the batch, under the lock of the tenant's writers: what was stored a moment ago, by
 * this feed or by another writer, counts.
 */
export async function settle(
  tx: WriteTransaction,
  items: readonly IncomingItem[],
  { pool, repeats }: Pick<Preparation, 'pool' | 'repeats'>,
): Promise<readonly SettledItem[]> {
  const sighted = items.filter((item) => item.kind === 'sighted');
  if (sighted.length === 0) return items as readonly FeedItem[];
  await lockTenant(tx);
  const known = await compareSources(tx, sighted);
  repeats.note(sighted.length, known.size);
  const prepared = (
    await prepareLines(
      sighted.filter((_, i) => !known.has(i)),
      pool,
    )
  ).values();
  let place = 0;
  return items.map((item): SettledItem => {
    if (item.kind !== 'sighted') return item;
    const { line, rt, id } = item;
    if (known.has(place++)) return { kind: 'known', line, rt, id };
    return { ...(prepared.next().value as FeedItem), line };
  });
}

/** In pieces, so that all threads have something to do. */
async function prepareLines(sighted: readonly SightedItem[], pool: Pick<WorkerPool, 'prepare'>): Promise<FeedItem[]> {
  const units: Promise<readonly FeedItem[]>[] = [];
  let piece: SightedItem[] = [];
  let size = 0;
  const cut = (): void => {
    units.push(prepareUnit(piece, pool));
    piece = [];
    size = 0;
  };
  for (const item of sighted) {
    piece.push(item);
    size += item.text.length;
    if (size >= FEED_LIMITS.blockBytes) cut();
  }
  if (piece.length > 0) cut();
  return (await Promise.all(units)).flat();
}

async function prepareUnit(
  sighted: readonly SightedItem[],
  pool: Pick<WorkerPool, 'prepare'>,
): Promise<readonly FeedItem[]> {
  const bytes = new Uint8Array(sighted.reduce((sum, { text }) => sum + text.length + 1, 0));
  let at = 0;
  for (const { text } of sighted) {
    bytes.set(text, at);
    at += text.length;
    bytes[at++] = 0x0a;
  }
  const { items } = await pool.prepare({ kind: 'lines', bytes });
  if (items.length !== sighted.length) throw new Error('a line that was looked at became several items, or none');
  return items;
}
