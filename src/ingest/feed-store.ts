import { randomUUID } from 'node:crypto';
import type { Queryable, TenantConnection } from '#/platform/db/database.ts';
import type { ResourceKey } from './batch.ts';
import { type FeedCounts, type FeedPosition, type FeedRun, noCounts, START } from './run.ts';

/** First number of the advisory lock that lets one feed at a time into a tenant; the second is the tenant. */
const FEED_LOCK_CLASS = 4715;

interface RunRow {
  id: string;
  attempt: number;
  position: FeedPosition;
  counts: FeedCounts;
  refused_file: string;
  refused_bytes: string;
}

/** Takes the tenant's feed lock for this connection; it ends with the connection, however that ends. */
export async function tryFeedLock(connection: TenantConnection): Promise<boolean> {
  const result = await connection.query<{ ok: boolean }>('select pg_try_advisory_lock($1, $2) as ok', [
    FEED_LOCK_CLASS,
    connection.tenantId,
  ]);
  return result.rows[0]?.ok === true;
}

export async function releaseFeedLock(connection: TenantConnection): Promise<void> {
  await connection.query('select pg_advisory_unlock($1, $2)', [FEED_LOCK_CLASS, connection.tenantId]);
}

/** Takes up the broken run of this feed, or begins one. The caller holds the tenant's feed lock. */
export async function openRun(
  tx: TenantConnection,
  feed: { fingerprint: string | undefined; fullSnapshot: boolean; refusedFile(id: string): string },
): Promise<FeedRun> {
  if (feed.fingerprint !== undefined) {
    const open = await tx.query<RunRow>(
      `update feed_run set attempt = attempt + 1, changed_at = now()
        where tenant_id = $1 and fingerprint = $2 and state = 'running' and full_snapshot = $3
       returning id, attempt, position, counts, refused_file, refused_bytes`,
      [tx.tenantId, feed.fingerprint, feed.fullSnapshot],
    );
    const [row] = open.rows;
    if (row)
      return {
        id: row.id,
        attempt: row.attempt,
        isResumed: true,
        position: row.position,
        counts: row.counts,
        refusedFile: row.refused_file,
        refusedBytes: Number(row.refused_bytes),
      };
  }
  const id = randomUUID();
  const refusedFile = feed.refusedFile(id);
  // A run of another feed that broke and was never taken up: what it kept for itself is of no use any more.
  await tx.query(
    `update feed_run set state = 'abandoned', changed_at = now() where tenant_id = $1 and state = 'running'`,
    [tx.tenantId],
  );
  await forgetRuns(tx);
  await tx.query(
    `insert into feed_run (tenant_id, id, fingerprint, full_snapshot, state, position, counts, refused_file)
     values ($1, $2, $3, $4, 'running', $5, $6, $7)`,
    [tx.tenantId, id, feed.fingerprint, feed.fullSnapshot, START, noCounts(), refusedFile],
  );
  return { id, attempt: 1, isResumed: false, position: START, counts: noCounts(), refusedFile, refusedBytes: 0 };
}

/**
 * Writes how far the run is, in the transaction that stores what lies before.
 *
 * @returns false when another process has taken the run over: nothing may be committed then
 */
export async function checkpoint(
  tx: TenantConnection,
  run: Pick<FeedRun, 'id' | 'attempt'>,
  at: { position: FeedPosition; counts: FeedCounts; refusedBytes: number },
): Promise<boolean> {
  const result = await tx.query(
    `update feed_run set position = $4, counts = $5, refused_bytes = $6, changed_at = now()
      where tenant_id = $1 and id = $2 and attempt = $3 and state = 'running'`,
    [tx.tenantId, run.id, run.attempt, at.position, at.counts, at.refusedBytes],
  );
  return result.rowCount === 1;
}

/** The run is over; only its row stays. */
export async function closeRun(tx: TenantConnection, run: Pick<FeedRun, 'id' | 'attempt'>): Promise<boolean> {
  const result = await tx.query(
    `update feed_run set state = 'done', changed_at = now()
      where tenant_id = $1 and id = $2 and attempt = $3 and state = 'running'`,
    [tx.tenantId, run.id, run.attempt],
  );
  await forgetRuns(tx);
  return result.rowCount === 1;
}

async function forgetRuns(tx: TenantConnection): Promise<void> {
  const over = `run_id in (select id from feed_run where tenant_id = $1 and state <> 'running')`;
  await tx.query(`delete from feed_waiting where tenant_id = $1 and ${over}`, [tx.tenantId]);
  await tx.query(`delete from feed_seen where tenant_id = $1 and ${over}`, [tx.tenantId]);
}

/** A resource that waits for the end of the feed. */
export interface WaitingResource {
  readonly file: string;
  readonly line: number;
  readonly entry: string | undefined;
  /** Canonical JSON. */
  readonly content: string;
}

export async function insertWaiting(
  tx: TenantConnection,
  runId: string,
  waiting: readonly WaitingResource[],
): Promise<void> {
  if (waiting.length === 0) return;
  await tx.query(
    `insert into feed_waiting (tenant_id, run_id, file, line, entry, content)
     select $1, $2, w.file, w.line, nullif(w.entry, ''), w.content
       from unnest($3::text[], $4::int[], $5::text[], $6::text[]) with ordinality as w (file, line, entry, content, n)
      order by w.n`,
    [
      tx.tenantId,
      runId,
      waiting.map((each) => each.file),
      waiting.map((each) => each.line),
      waiting.map((each) => each.entry ?? ''),
      waiting.map((each) => each.content),
    ],
  );
}

/** Takes the next waiting resources out, in the order they came. */
export async function takeWaiting(tx: TenantConnection, runId: string, most: number): Promise<WaitingResource[]> {
  const result = await tx.query<{ file: string; line: number; entry: string | null; content: string; seq: string }>(
    `delete from feed_waiting where tenant_id = $1 and run_id = $2 and seq in
       (select seq from feed_waiting where tenant_id = $1 and run_id = $2 order by seq limit $3)
     returning file, line, entry, content, seq`,
    [tx.tenantId, runId, most],
  );
  return result.rows
    .sort((a, b) => Number(a.seq) - Number(b.seq))
    .map(({ file, line, entry, content }) => ({ file, line, entry: entry ?? undefined, content }));
}

export async function insertSeen(tx: TenantConnection, runId: string, keys: readonly ResourceKey[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(
    `insert into feed_seen (tenant_id, run_id, rt, id)
     select $1, $2, rt, id from unnest($3::smallint[], $4::text[]) as k (rt, id) on conflict do nothing`,
    [tx.tenantId, runId, keys.map((key) => key.rt), keys.map((key) => key.id)],
  );
}

/** Of the keys given, those that the run did not see. */
export async function notSeen(
  queryable: Queryable,
  tenantId: number,
  runId: string,
  keys: readonly ResourceKey[],
): Promise<ResourceKey[]> {
  const result = await queryable.query<ResourceKey>(
    `select rt, id from unnest($3::smallint[], $4::text[]) as k (rt, id)
      where not exists (select from feed_seen s
                         where s.tenant_id = $1 and s.run_id = $2 and s.rt = k.rt and s.id = k.id)`,
    [tenantId, runId, keys.map((key) => key.rt), keys.map((key) => key.id)],
  );
  return result.rows;
}
