import { randomUUID } from 'node:crypto';
import { recordAudit } from '#/audit/audit.ts';
import type { AccessContext } from '#/authorization/access.ts';
import { enqueueJob } from '#/platform/jobs/jobs.ts';
import { type GroupMemberNow, readGroupForClient } from '../groups/groups.ts';
import type { ExportDeps } from './export-deps.ts';
import type { ExportJob, Flavour } from './export-job.ts';
import { exportRefusal } from './export-refusals.ts';
import { countOpenJobs, insertJob } from './export-store.ts';
import { EXPORTABLE_TYPES } from './exportable-types.ts';
import { auditKeyOf, readMembersNow } from './members-now.ts';
import { insertNotes } from './note-store.ts';
import { ignoredParameterNotes, strangerNote } from './notes.ts';
import type { ExportWish } from './parameters.ts';

/** A failing export is tried again over some 50 minutes; then it is failed and says so. */
export const EXPORT_MAX_ATTEMPTS = 8;

export interface KickOff {
  /** Absent: the members of every group that the client may use. */
  readonly groupId: string | undefined;
  readonly flavour: Flavour;
  readonly separateStatus: boolean;
  readonly wish: ExportWish;
  /** Patients who are no members of the group are left out and noted instead of refused. */
  readonly lenient: boolean;
  /** The kick-off URL with its query, on the tenant's configured base. */
  readonly request: string;
}

/**
 * Accepts an export of a group, or of all that the client may see: the job, its audit event and its work begin together, or nothing does.
 *
 * @throws Refusal `group-unknown` (also for another client's group), `group-expired`, `type-outside-scope`,
 *   `patient-outside-group`, `consent-not-valid` when no member may leave now, `export-running`, `too-many-exports`,
 *   `too-many-exports-of-plan`
 *
 * Source: Bulk Data 1 to 3, group-export and patient-export; payer-to-payer.md 3.1.
 */
export async function kickOffExport(deps: ExportDeps, access: AccessContext, kickOff: KickOff): Promise<ExportJob> {
  const { tenant } = access;
  const db = deps.database.tenant(tenant.id);
  const types = typesOf(access, kickOff);
  const now = deps.clock.now();
  if (kickOff.groupId !== undefined) {
    const group = await readGroupForClient(db, kickOff.groupId, access.client, now);
    if (group.kind === 'unknown') throw exportRefusal('group-unknown');
    if (group.kind === 'expired') throw exportRefusal('group-expired');
  }

  const asked: ExportJob = {
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
    until: kickOff.wish.until,
    narrowing: kickOff.wish.narrowing,
    separateStatus: kickOff.separateStatus,
    transactionTime: undefined,
    retentionDays: tenant.settings.exportRetentionDays,
    createdAt: now,
    changedAt: now,
    expiresAt: undefined,
  };
  const everybody = await readMembersNow(deps, tenant, {
    ...asked,
    narrowing: { ...asked.narrowing, patients: undefined },
  });
  const { job, members, strangers } = narrowedTo(asked, everybody, kickOff.lenient);
  if (members.length > 0 && members.every(({ kind }) => kind === 'withheld')) throw exportRefusal('consent-not-valid');

  await db.transaction(async (tx) => {
    const open = await countOpenJobs(tx, access.client, kickOff.groupId);
    if (open.ofGroup > 0) throw exportRefusal('export-running');
    if (open.ofClient >= deps.openJobsPerClientMax) throw exportRefusal('too-many-exports');
    if (open.ofTenant >= deps.openJobsPerTenantMax) throw exportRefusal('too-many-exports-of-plan');
    if (!(await insertJob(tx, job))) throw exportRefusal('export-running');
    await insertNotes(tx, job.id, [...ignoredParameterNotes(kickOff.wish.ignored), ...strangers.map(strangerNote)]);
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
        group: job.groupId ?? null,
        flavour: job.flavour,
        types: kickOff.wish.types?.length ?? 0,
        since: job.since?.toISOString() ?? null,
        until: job.until?.toISOString() ?? null,
        typeFilters: job.narrowing.typeFilters.length,
        elements: job.narrowing.elements.length,
        patients: job.narrowing.patients?.length ?? null,
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
 * The job for those of the named patients who are members, and the members it is about. Who is none is told so in the
 * same words, whether the plan knows the id or not.
 *
 * @throws Refusal `patient-outside-group`
 */
function narrowedTo(
  job: ExportJob,
  everybody: readonly GroupMemberNow[],
  lenient: boolean,
): { readonly job: ExportJob; readonly members: readonly GroupMemberNow[]; readonly strangers: readonly string[] } {
  const { patients } = job.narrowing;
  if (patients === undefined) return { job, members: everybody, strangers: [] };
  const known = new Set(everybody.map(({ memberId }) => memberId));
  const strangers = patients.filter((id) => !known.has(id));
  if (strangers.length > 0 && !lenient) throw exportRefusal('patient-outside-group', { parameter: 'patient' });
  const named = new Set(patients.filter((id) => known.has(id)));
  return {
    job: { ...job, narrowing: { ...job.narrowing, patients: [...named] } },
    members: everybody.filter(({ memberId }) => named.has(memberId)),
    strangers,
  };
}

/**
 * What may be in the files. Types that a client names must be within its scope; types it does not name are simply left
 * out where they are not. The vendor flavour has Provenance only when it is asked for (P2P-66): by `_type`, by a filter,
 * or as associated data.
 */
function typesOf(access: AccessContext, { wish, flavour }: KickOff): readonly string[] {
  const { associatedData, typeFilters } = wish.narrowing;
  const asked = [
    ...(wish.types ?? []),
    ...typeFilters.map(({ type }) => type),
    ...(associatedData === undefined ? [] : ['Provenance']),
  ];
  const outside = asked.find((type) => !access.mayExportType(type));
  if (outside) {
    const parameter = wish.types?.includes(outside)
      ? '_type'
      : associatedData && outside === 'Provenance'
        ? 'includeAssociatedData'
        : '_typeFilter';
    throw exportRefusal('type-outside-scope', { parameter, type: outside });
  }
  if (wish.types) return [...new Set(asked)];
  return EXPORTABLE_TYPES.filter(
    (type) =>
      access.mayExportType(type) && (type !== 'Provenance' || flavour === 'standard' || asked.includes('Provenance')),
  );
}
