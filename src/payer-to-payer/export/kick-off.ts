import { randomUUID } from 'node:crypto';
import { recordAudit } from '#/audit/audit.ts';
import type { AccessContext } from '#/authorization/access.ts';
import { enqueueJob } from '#/platform/jobs/jobs.ts';
import { readGroupForClient } from '../groups/groups.ts';
import type { ExportDeps } from './export-deps.ts';
import type { ExportJob, Flavour } from './export-job.ts';
import { exportRefusal } from './export-refusals.ts';
import { countOpenJobs, insertJob } from './export-store.ts';
import { EXPORTABLE_TYPES } from './exportable-types.ts';
import { auditKeyOf, readMembersNow } from './members-now.ts';
import { insertNotes } from './note-store.ts';
import { ignoredParameterNotes } from './notes.ts';
import type { ExportWish } from './parameters.ts';

/** A failing export is tried again over some 50 minutes; then it is failed and says so. */
export const EXPORT_MAX_ATTEMPTS = 8;

export interface KickOff {
  readonly groupId: string;
  readonly flavour: Flavour;
  readonly wish: ExportWish;
  /** The kick-off URL with its query, on the tenant's configured base. */
  readonly request: string;
}

/**
 * Accepts an export of a group: the job, its audit event and its work begin together, or nothing does.
 *
 * @throws Refusal `group-unknown` (also for another client's group), `group-expired`, `type-outside-scope`,
 *   `consent-not-valid` when no member may leave now, `export-running`, `too-many-exports`
 *
 * Source: Bulk Data 1 to 3, group-export; payer-to-payer.md 3.1.
 */
export async function kickOffExport(deps: ExportDeps, access: AccessContext, kickOff: KickOff): Promise<ExportJob> {
  const { tenant } = access;
  const db = deps.database.tenant(tenant.id);
  const types = typesOf(access, kickOff);
  const now = deps.clock.now();
  const group = await readGroupForClient(db, kickOff.groupId, access.client, now);
  if (group.kind === 'unknown') throw exportRefusal('group-unknown');
  if (group.kind === 'expired') throw exportRefusal('group-expired');

  const job: ExportJob = {
    id: randomUUID(),
    tenantId: tenant.id,
    client: access.client,
    organization: access.organization?.id,
    groupId: kickOff.groupId,
    flavour: kickOff.flavour,
    state: 'queued',
    request: kickOff.request,
    types,
    since: kickOff.wish.since,
    transactionTime: undefined,
    retentionDays: tenant.settings.exportRetentionDays,
    createdAt: now,
    changedAt: now,
    expiresAt: undefined,
  };
  const members = await readMembersNow(deps, tenant, job);
  if (members.length > 0 && members.every(({ kind }) => kind === 'withheld')) throw exportRefusal('consent-not-valid');

  await db.transaction(async (tx) => {
    const open = await countOpenJobs(tx, access.client, kickOff.groupId);
    if (open.ofGroup > 0) throw exportRefusal('export-running');
    if (open.ofClient >= deps.openJobsPerClientMax) throw exportRefusal('too-many-exports');
    if (!(await insertJob(tx, job))) throw exportRefusal('export-running');
    await insertNotes(tx, job.id, ignoredParameterNotes(kickOff.wish.ignored));
    await recordAudit(tx, {
      action: 'export.kick-off',
      outcome: 'success',
      client: access.client,
      organization: access.organization?.id,
      memberKey: auditKeyOf(tenant, members),
      subject: job.id,
      requestId: access.requestId,
      tokenId: access.tokenId,
      address: access.address,
      facts: {
        group: job.groupId,
        flavour: job.flavour,
        types: kickOff.wish.types?.length ?? 0,
        since: job.since?.toISOString() ?? null,
      },
    });
    await enqueueJob(tx, {
      name: 'export.run',
      payload: { tenantId: tenant.id, jobId: job.id },
      key: `export:${job.id}`,
      maxAttempts: EXPORT_MAX_ATTEMPTS,
    });
  });
  return job;
}

/**
 * What may be in the files. Types that a client names must be within its scope; types it does not name are simply left
 * out where they are not. The vendor flavour has Provenance only when it is named (P2P-66).
 */
function typesOf(access: AccessContext, { wish, flavour }: KickOff): readonly string[] {
  if (wish.types) {
    const outside = wish.types.find((type) => !access.mayExportType(type));
    if (outside) throw exportRefusal('type-outside-scope', { parameter: '_type', type: outside });
    return wish.types;
  }
  return EXPORTABLE_TYPES.filter(
    (type) => access.mayExportType(type) && (type !== 'Provenance' || flavour === 'standard'),
  );
}
