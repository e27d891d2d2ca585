import { recordAudit } from '#/audit/audit.ts';
import type { AccessContext } from '#/authorization/access.ts';
import type { Queryable, TenantConnection } from '#/platform/db/database.ts';
import { enqueueJob } from '#/platform/jobs/jobs.ts';
import type { ExportDeps } from './export-deps.ts';
import { cancelJob, cancelJobs } from './export-store.ts';

/**
 * Takes an export back. From the commit on its status and files are 404; a worker stops at its next step, and the files
 * go in the background.
 */
export async function deleteExport(deps: ExportDeps, access: AccessContext, jobId: string): Promise<void> {
  await deps.database.tenant(access.tenant.id).transaction(async (tx) => {
    if (!(await cancelJob(tx, jobId, deps.clock.now()))) return;
    await recordAudit(tx, {
      action: 'export.delete',
      outcome: 'success',
      client: access.client,
      organization: access.organization?.id,
      subject: jobId,
      requestId: access.requestId,
      tokenId: access.tokenId,
      address: access.address,
    });
    await scheduleRelease(tx, tx.tenantId, jobId);
  });
}

/** Takes back every export of a tenant, for the reset of a sandbox. Returns how many there were. */
export async function deleteAllExports(tx: TenantConnection, now: Date): Promise<number> {
  const jobs = await cancelJobs(tx, now);
  for (const jobId of jobs) await scheduleRelease(tx, tx.tenantId, jobId);
  return jobs.length;
}

/** The files go in the background. */
export const scheduleRelease = (tx: Queryable, tenantId: number, jobId: string, runAt?: Date): Promise<void> =>
  enqueueJob(tx, {
    name: 'export.release',
    payload: { tenantId, jobId },
    key: `export-release:${jobId}`,
    ...(runAt && { runAt }),
  });
