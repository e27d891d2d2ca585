import { recordAudit } from '#/audit/audit.ts';
import { readHorizon } from '#/platform/db/horizon.ts';
import { enqueueJob, type JobContext, type JobHandlers } from '#/platform/jobs/jobs.ts';
import { sensitiveBeyondLabels } from '#/sensitivity/labels-now.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { scheduleRelease } from './delete-export.ts';
import { endExport } from './end-export.ts';
import type { ExportDeps } from './export-deps.ts';
import type { ExportJob } from './export-job.ts';
import { failJob, readJob } from './export-store.ts';
import { EXPORT_MAX_ATTEMPTS } from './kick-off.ts';
import { readMembersNow } from './members-now.ts';
import { withheldMemberNote } from './notes.ts';
import { planParts, planSlices } from './plan.ts';
import { insertPlan } from './plan-store.ts';
import { purgeExports, releaseJob } from './purge.ts';
import { runSlice } from './run-slice.ts';
import { LAST_SLICE, type SliceClaim, Superseded } from './slices.ts';
import { claimSlice, isClaimValid, readOpenSlices } from './work-store.ts';

/** How often a worker looks whether its export was deleted: well within the 10 s of P2P-35. */
const CANCEL_CHECK_MS = 1_000;
const PURGE_INTERVAL_MS = 60 * 60 * 1000;
/** While a backup runs, nothing is removed. */
const RELEASE_RETRY_MS = 60_000;
/** Later slices wait behind the first ones of other exports, so that a big export never starves a small one. */
const SLICE_PRIORITY_FIRST = 10;
const SLICE_PRIORITY_LAST = 30_000;

/**
 * The background work of exports. Each handler may be run twice without harm: what it has to do is read from the tables,
 * and what is done there is skipped.
 */
export function makeExportJobs(deps: ExportDeps): JobHandlers {
  return {
    'export.run': (payload, context) =>
      withJob(deps, payload, context, (tenant, job) => run(deps, tenant, job, context)),
    'export.slice': (payload, context) =>
      withJob(deps, payload, context, (tenant, job) => slice(deps, tenant, job, Number(payload.slice), context)),
    'export.end': (payload, context) =>
      withJob(deps, payload, context, (tenant, job) => end(deps, tenant, job, context)),
    'export.release': async (payload) => {
      const tenant = await deps.tenants.byId(Number(payload.tenantId));
      if (!tenant || (await releaseJob(deps, tenant, String(payload.jobId)))) return;
      const { database } = deps;
      await scheduleRelease(
        database.platform,
        tenant.id,
        String(payload.jobId),
        new Date(Date.now() + RELEASE_RETRY_MS),
      );
    },
    'export.purge': async () => {
      await purgeExports(deps);
      await scheduleExportPurge(deps, new Date(Date.now() + PURGE_INTERVAL_MS));
    },
  };
}

/** The purge asks for its own next run; main.ts asks for the first at every start. */
export async function scheduleExportPurge(deps: Pick<ExportDeps, 'database'>, at: Date = new Date()): Promise<void> {
  await enqueueJob(deps.database.platform, { name: 'export.purge', payload: {}, key: 'export.purge', runAt: at });
}

async function withJob(
  deps: ExportDeps,
  payload: Readonly<Record<string, unknown>>,
  context: JobContext,
  work: (tenant: Tenant, job: ExportJob) => Promise<void>,
): Promise<void> {
  const tenant = await deps.tenants.byId(Number(payload.tenantId));
  const db = tenant && deps.database.tenant(tenant.id);
  const job = db && (await readJob(db, String(payload.jobId)));
  if (!tenant || !job || (job.state !== 'queued' && job.state !== 'running')) return;
  try {
    await work(tenant, job);
  } catch (error) {
    if (error instanceof Superseded) return;
    if (!context.lastAttempt || context.signal.aborted) throw error;
    deps.log.error({ err: error, job: job.id }, 'an export failed for good');
    await db.transaction(async (tx) => {
      if (!(await failJob(tx, job.id, deps.clock.now()))) return;
      await recordAudit(tx, {
        action: 'export.complete',
        outcome: 'failure',
        client: job.client,
        organization: job.organization,
        subject: job.id,
        facts: { group: job.groupId ?? null },
      });
    });
  }
}

/** Plans the export, then does a small one on the spot; a big one is handed out slice by slice. */
async function run(deps: ExportDeps, tenant: Tenant, queued: ExportJob, context: JobContext): Promise<void> {
  const db = deps.database.tenant(tenant.id);
  if (queued.state === 'queued') await plan(deps, tenant, queued);
  const job = await readJob(db, queued.id);
  if (job?.state !== 'running') return;
  const open = await readOpenSlices(db, job.id);
  // The slices of a big export have jobs of their own, which began to exist together with its plan.
  if (open.length > 1) return;
  for (const number of open) await slice(deps, tenant, job, number, context);
  if (open.length === 0) await end(deps, tenant, job, context);
}

async function plan(deps: ExportDeps, tenant: Tenant, job: ExportJob): Promise<void> {
  const db = deps.database.tenant(tenant.id);
  const members = await readMembersNow(deps, tenant, job);
  const shared = members.filter((member) => member.kind === 'shared');
  const withheld = members.filter(({ kind }) => kind === 'withheld');
  const slices = planSlices(shared, deps.parallelSlices);
  await db.transaction(async (tx) => {
    // Nothing that commits later can carry a time of this or before (payer-to-payer.md 3.5).
    const transactionTime = await readHorizon(tx);
    const notes = withheld.map(({ memberId }) => withheldMemberNote(LAST_SLICE, memberId));
    const planned = await insertPlan(tx, job.id, {
      transactionTime,
      now: deps.clock.now(),
      slices,
      parts: planParts(slices, job.types, job.since !== undefined),
      notes,
    });
    const numbers = slices.map(({ slice }) => slice).filter((slice) => slice !== LAST_SLICE);
    if (!planned || numbers.length <= 1) return;
    for (const number of numbers) {
      await enqueueJob(tx, {
        name: 'export.slice',
        payload: { tenantId: tenant.id, jobId: job.id, slice: number },
        key: `export:${job.id}:${number}`,
        // Only so many slices run at a time, whosever they are; the other workers stay free for small exports.
        queue: `export-slices-${number % deps.parallelSlices}`,
        priority: Math.min(SLICE_PRIORITY_FIRST + number, SLICE_PRIORITY_LAST),
        maxAttempts: EXPORT_MAX_ATTEMPTS,
      });
    }
  });
}

async function slice(
  deps: ExportDeps,
  tenant: Tenant,
  job: ExportJob,
  number: number,
  context: JobContext,
): Promise<void> {
  const db = deps.database.tenant(tenant.id);
  const claim = await claimSlice(db, job.id, number);
  if (!claim) {
    // Killed after its last slice was recorded and before the end was: nobody else would wake the export.
    if ((await readOpenSlices(db, job.id)).length === 0) await end(deps, tenant, job, context);
    return;
  }
  const isSensitiveToo = await sensitiveBeyondLabels(db, tenant, job.transactionTime!);
  const wasLast = await guarded(deps, tenant, claim, context.signal, (signal) =>
    runSlice({ deps, tenant, job, claim, signal, isSensitiveToo }),
  );
  if (wasLast) await end(deps, tenant, job, context);
}

async function end(deps: ExportDeps, tenant: Tenant, job: ExportJob, context: JobContext): Promise<void> {
  const db = deps.database.tenant(tenant.id);
  const claim = await claimSlice(db, job.id, LAST_SLICE);
  if (!claim) return;
  const isSensitiveToo = await sensitiveBeyondLabels(db, tenant, job.transactionTime!);
  await guarded(deps, tenant, claim, context.signal, (signal) =>
    endExport({ deps, tenant, job, claim, signal, isSensitiveToo }),
  );
}

/**
 * Runs one piece of work under its claim: it stops when the process is told to, when the export is deleted, and when
 * another attempt took over.
 */
async function guarded<T>(
  deps: ExportDeps,
  tenant: Tenant,
  claim: SliceClaim,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const db = deps.database.tenant(tenant.id);
  const lost = new AbortController();
  const check = async (): Promise<void> => {
    if (!(await isClaimValid(db, claim))) lost.abort(new Superseded());
  };
  const watch = setInterval(() => void check().catch(() => undefined), CANCEL_CHECK_MS);
  try {
    return await work(AbortSignal.any([outer, lost.signal]));
  } catch (error) {
    // A folder that went away under the work, for instance: whatever it was, it does not matter any more.
    if (!(await isClaimValid(db, claim))) {
      if (!(await readJob(db, claim.jobId))) await deps.files.removeJob(tenant.id, claim.jobId);
      throw new Superseded();
    }
    throw error;
  } finally {
    clearInterval(watch);
  }
}
