import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import type { FilePlace } from './files.ts';
import { readStoredFiles } from './stored-file-store.ts';

/** Held alone by a backup, and together by all who remove files of exports. */
const REMOVAL_LOCK = 4_711_000_003;
const HOLD_TIMEOUT_MS = 30_000;
const HOLD_RETRY_MS = 100;
const PAGE = 1_000;

/** The files of every export that somebody may still download or finish. */
export async function* storedFiles(database: Database, tenantIds: readonly number[]): AsyncGenerator<FilePlace> {
  for (const tenantId of tenantIds) {
    let page: readonly FilePlace[] = [];
    do {
      page = await readStoredFiles(database.tenant(tenantId), page.at(-1), PAGE);
      yield* page;
    } while (page.length === PAGE);
  }
}

export interface RemovalHold {
  /** @throws Error when the hold was lost on the way */
  check(): Promise<void>;
  release(): Promise<void>;
}

/**
 * From now on no file of an export is removed, by no process, until it is released or this process ends. Exports can be
 * deleted meanwhile; their files go afterwards.
 *
 * @returns undefined when somebody else holds it
 */
export async function holdRemovals(database: Database): Promise<RemovalHold | undefined> {
  const client = await database.listener();
  for (const until = Date.now() + HOLD_TIMEOUT_MS; ; await sleep(HOLD_RETRY_MS)) {
    const tried = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [REMOVAL_LOCK]);
    if (tried.rows[0]?.held) break;
    if (Date.now() < until) continue;
    await client.end();
    return undefined;
  }
  return {
    async check() {
      await client.query('select 1');
    },
    release: () => client.end(),
  };
}

/**
 * Removes files, unless a backup is running.
 *
 * @returns false when one is: then nothing was done
 */
export async function unlessHeld(db: TenantDatabase, work: (tx: TenantConnection) => Promise<void>): Promise<boolean> {
  return db.transaction(async (tx) => {
    const tried = await tx.query<{ free: boolean }>('select pg_try_advisory_xact_lock_shared($1) as free', [
      REMOVAL_LOCK,
    ]);
    if (!tried.rows[0]?.free) return false;
    await work(tx);
    return true;
  });
}
