import type { ConsentPolicy, ConsentRefusalCode } from '#/consent/consent.ts';
import { consentsNow } from '#/consent/consents.ts';
import type { Queryable } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { groupExpiry, isGroupId, newGroupId } from './group-id.ts';
import {
  deleteGroupsOfClients,
  type GroupMemberRow,
  insertGroup,
  insertGroupMembers,
  selectGroup,
  selectGroupMembers,
  selectMembershipsOfClient,
} from './group-store.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

export interface PayerGroup {
  readonly id: string;
  /** The group of a sandbox that every payer client of the tenant may use. */
  readonly standing: boolean;
  /** Absent: never. */
  readonly expiresAt: Date | undefined;
}

export type GroupForClient =
  | { readonly kind: 'ok'; readonly group: PayerGroup }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'expired' };

/** A record of a member in a group, and whether its data may leave at this moment. */
export type GroupMemberNow = {
  readonly mk: string;
  /** Id of the Patient. */
  readonly memberId: string;
  readonly umb: string;
  readonly consentId: string | undefined;
} & (
  | { readonly kind: 'shared'; readonly policy: ConsentPolicy }
  | { readonly kind: 'withheld'; readonly reason: ConsentRefusalCode }
);

/**
 * The group, if this client may use it: one that a match of its own made, or the standing group of a sandbox. Another
 * client's group is as unknown as one that never was (payer-to-payer.md 4.5).
 */
export async function readGroupForClient(
  db: TenantQueryable,
  groupId: string,
  client: string,
  at: Date,
): Promise<GroupForClient> {
  const row = isGroupId(groupId) ? await selectGroup(db, groupId) : undefined;
  if (!row || (row.client !== null && row.client !== client)) return { kind: 'unknown' };
  if (row.expires_at !== null && row.expires_at <= at) return { kind: 'expired' };
  return {
    kind: 'ok',
    group: { id: row.id, standing: row.client === null, expiresAt: row.expires_at ?? undefined },
  };
}

/**
 * All members of a group, each with the consent as it stands at this moment. To be asked at kick-off, before every piece
 * of work, and again at each download: time goes on and members set blocks (PDex §156, §167; ROW-20).
 *
 * @param records only these of its members, where a group is large and the work is about a part of it
 */
export async function membersWithConsentNow(
  db: TenantQueryable,
  tenant: Tenant,
  groupId: string,
  at: Date,
  records?: readonly { readonly mk: string; readonly memberId: string }[],
): Promise<readonly GroupMemberNow[]> {
  return withConsent(db, tenant, await selectGroupMembers(db, groupId, records), at);
}

/**
 * Those of the given records that this client may read at this moment, because a group it may use has them and the
 * consent holds. One entry for each record.
 */
export async function sharedWithClient(
  db: TenantQueryable,
  tenant: Tenant,
  client: string,
  records: readonly { readonly mk: string; readonly memberId: string }[],
  at: Date,
): Promise<readonly GroupMemberNow[]> {
  if (records.length === 0) return [];
  const rows = await selectMembershipsOfClient(db, client, records, at);
  const shared = (await withConsent(db, tenant, rows, at)).filter((member) => member.kind === 'shared');
  return [...new Map(shared.map((member) => [member.memberId, member])).values()];
}

/**
 * The members of every group that a client may use at this moment, the standing one of a sandbox among them. One entry
 * for each record: of several consents the widest that is valid counts.
 *
 * @param records only these of them
 */
export async function membersOfClientNow(
  db: TenantQueryable,
  tenant: Tenant,
  client: string,
  at: Date,
  records?: readonly { readonly mk: string; readonly memberId: string }[],
): Promise<readonly GroupMemberNow[]> {
  const rows = await selectMembershipsOfClient(db, client, records, at);
  const widest = new Map<string, GroupMemberNow>();
  for (const member of await withConsent(db, tenant, rows, at)) {
    const known = widest.get(member.memberId);
    if (!known || widthOf(member) > widthOf(known)) widest.set(member.memberId, member);
  }
  return [...widest.values()];
}

const widthOf = (member: GroupMemberNow): number =>
  member.kind === 'withheld' ? 0 : member.policy === 'regular' ? 1 : 2;

async function withConsent(
  db: TenantQueryable,
  tenant: Tenant,
  rows: readonly GroupMemberRow[],
  at: Date,
): Promise<readonly GroupMemberNow[]> {
  const members = rows.map((row) => ({
    mk: row.mk,
    memberId: row.member_id,
    umb: row.umb,
    consentId: row.consent_id ?? undefined,
  }));
  const consents = await consentsNow(db, tenant, members, at);
  return members.map((member, i) => {
    const consent = consents[i]!;
    return consent.kind === 'active'
      ? { ...member, kind: 'shared', policy: consent.policy }
      : { ...member, kind: 'withheld', reason: consent.reason };
  });
}

/**
 * Makes the group of one member that a match yields, for the client that asked.
 *
 * @param match.records all records of the person
 * @returns its id, which nobody can guess
 */
export async function makeMatchGroup(
  transaction: TenantQueryable,
  match: {
    readonly client: string;
    readonly organization: string | undefined;
    readonly umb: string;
    readonly records: readonly { readonly mk: string; readonly memberId: string }[];
    readonly consentId: string;
    readonly consentEndsAt: Date;
    readonly now: Date;
  },
): Promise<string> {
  const id = newGroupId();
  await insertGroup(transaction, {
    id,
    client: match.client,
    organization: match.organization ?? null,
    createdAt: match.now,
    expiresAt: groupExpiry(match.now, match.consentEndsAt),
  });
  const members = match.records.map((record) => ({ ...record, umb: match.umb, consentId: match.consentId }));
  await insertGroupMembers(transaction, id, members, match.now);
  return id;
}

/** Ends every group that a match made: for the reset of a sandbox. Its standing group stays. */
export function endMatchGroups(transaction: TenantQueryable): Promise<number> {
  return deleteGroupsOfClients(transaction);
}
