import { dropSlices } from '#/fhir/store/export-copy.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { ExportDeps } from './export-deps.ts';
import { deleteJob, failStaleJobs, readGoneJobs, readKnownJobs } from './export-store.ts';
import { unlessHeld } from './stored-files.ts';
import { readOpenSlices } from './work-store.ts';

/** Jobs removed in one go; the rest follows in the next. */
const PURGE_JOBS_MAX = 1_000;
/**
 * An open job that recorded nothing for so long has lost its work (its tries were used up by killed processes); it must
 * not keep its group from being exported again.
 */
const STALE_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Removes the files and rows of a job that nobody may see any more. A download under way keeps its open file.
 *
 * @returns false when a backup is running: then nothing was removed
 */
export async function releaseJob(deps: ExportDeps, tenant: Tenant, jobId: string): Promise<boolean> {
  return unlessHeld(deps.database.tenant(tenant.id), async (tx) => {
    await deps.files.removeJob(tenant.id, jobId);
    const slices = await readOpenSlices(tx, jobId);
    if (slices.length > 0) await dropSlices(tx, jobId, slices);
    await deleteJob(tx, jobId);
  });
}

/** Removes what is past its retention or was deleted, and files of jobs that nobody knows (P2P-36). */
export async function purgeExports(deps: ExportDeps): Promise<void> {
  for (const tenant of await deps.tenants.list()) {
    const db = deps.database.tenant(tenant.id);
    const now = deps.clock.now();
    await failStaleJobs(db, new Date(now.getTime() - STALE_AFTER_MS), now);
    for (const jobId of await readGoneJobs(db, now, PURGE_JOBS_MAX))
      if (!(await releaseJob(deps, tenant, jobId))) return;
    const found = await deps.files.jobs(tenant.id);
    const known = found.length > 0 ? await readKnownJobs(db, found) : new Set<string>();
    for (const jobId of found.filter((id) => !known.has(id))) await deps.files.removeJob(tenant.id, jobId);
  }
}
