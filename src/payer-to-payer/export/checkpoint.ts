import type { TenantConnection } from '#/platform/db/database.ts';
import type { SliceWork } from './slice-work.ts';
import type { PartResult } from './slices.ts';
import { finishParts, finishSlice } from './work-store.ts';

/** Finished parts are recorded together until they weigh this much or are this old: small exports commit once. */
export const CHECKPOINT_BYTES = 4 * 1024 * 1024;
const CHECKPOINT_AGE_MS = 500;

/** Records the finished parts of one slice. */
export interface Checkpoint {
  add(result: PartResult): Promise<void>;
  /**
   * Records the rest and the slice's end together.
   *
   * @returns true when it was the last of the members' slices
   */
  end(): Promise<boolean>;
}

/**
 * When recording fails, the files stay: the commit may have gone through. What no row knows in the end is removed with
 * the end of the export.
 */
export function makeCheckpoint({ deps, tenant, claim }: SliceWork): Checkpoint {
  const db = deps.database.tenant(tenant.id);
  let pending: PartResult[] = [];
  let recordedAt = performance.now();

  async function record<T>(also: (tx: TenantConnection) => Promise<T>): Promise<T> {
    const names = pending.flatMap(({ files }) => files.map(({ name }) => name));
    await deps.files.sync(tenant.id, claim.jobId, names);
    const result = await db.transaction(async (tx) => {
      if (pending.length > 0) await finishParts(tx, claim, pending, deps.clock.now());
      return also(tx);
    });
    pending = [];
    recordedAt = performance.now();
    return result;
  }
  return {
    async add(result) {
      pending.push(result);
      const bytes = pending.flatMap(({ files }) => files).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const isDue = bytes >= deps.checkpointBytes || performance.now() - recordedAt >= CHECKPOINT_AGE_MS;
      if (isDue) await record(async () => undefined);
    },
    end: () => record((tx) => finishSlice(tx, claim)),
  };
}
