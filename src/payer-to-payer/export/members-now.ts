import type { ConsentPolicy } from '#/consent/consent.ts';
import { memberAuditKey } from '#/members/umb.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { type GroupMemberNow, membersOfClientNow, membersWithConsentNow } from '../groups/groups.ts';
import type { ExportDeps } from './export-deps.ts';
import type { ExportJob } from './export-job.ts';
import type { PlannedMember } from './slices.ts';

type ConsentDeps = Pick<ExportDeps, 'database' | 'clock'>;

/**
 * The members that the job is about as their consents stand at this moment: all of them, or those of the records given.
 * A job without a group is about the members of every group that its client may use.
 */
export async function readMembersNow(
  deps: ConsentDeps,
  tenant: Tenant,
  { groupId, client, narrowing: { patients } }: Pick<ExportJob, 'groupId' | 'client' | 'narrowing'>,
  records?: readonly PlannedMember[],
): Promise<readonly GroupMemberNow[]> {
  const db = deps.database.tenant(tenant.id);
  const now = deps.clock.now();
  const members =
    groupId === undefined
      ? await membersOfClientNow(db, tenant, client, now, records)
      : await membersWithConsentNow(db, tenant, groupId, now, records);
  if (patients === undefined) return members;
  const wanted = new Set(patients);
  return members.filter(({ memberId }) => wanted.has(memberId));
}

/**
 * The policy under which each member may leave. Who is not in the answer may not: the consent has ended, a block was set,
 * the group is gone.
 */
export function policiesOf(members: readonly GroupMemberNow[]): ReadonlyMap<string, ConsentPolicy> {
  return new Map(members.flatMap((member) => (member.kind === 'shared' ? [[member.memberId, member.policy]] : [])));
}

/** Does a consent of this policy still cover what is written under the other? A narrower one does not. */
export function covers(policy: ConsentPolicy | undefined, written: ConsentPolicy): boolean {
  return policy !== undefined && (policy === 'sensitive' || written === 'regular');
}

/** The audit key of the person an export is about, when it is about one; a group of several is named by its id. */
export function auditKeyOf(tenant: Tenant, members: readonly GroupMemberNow[]): string | undefined {
  const persons = new Set(members.map(({ umb }) => umb));
  const [only] = persons;
  return only !== undefined && persons.size === 1 ? memberAuditKey(tenant.id, only) : undefined;
}
