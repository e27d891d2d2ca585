import assert from 'node:assert';
import { findPatients } from '#/members/match/find-members.ts';
import type { Database } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { deleteGroupMembers, insertGroup, insertGroupMembers } from './group-store.ts';

export const STANDING_GROUP = 'sandbox-members';

/**
 * Sets who is in the group `sandbox-members` of a sandbox tenant: the guide members that every payer client active there
 * may export without a match (payer-to-payer.md 12). Patients that the tenant does not have are left out.
 *
 * @param patientIds ids of Patient resources; they replace whoever was in the group
 * @returns how many members the group has now
 */
export async function setStandingGroup(
  database: Database,
  tenant: Tenant,
  patientIds: readonly string[],
  at: Date,
): Promise<number> {
  assert(tenant.kind === 'sandbox', 'only a sandbox has a standing group');
  const found = await findPatients(database.tenant(tenant.id), patientIds);
  const members = found.map((record) => ({ ...record, consentId: null }));
  await database.tenant(tenant.id).transaction(async (tx) => {
    await insertGroup(tx, { id: STANDING_GROUP, client: null, organization: null, createdAt: at, expiresAt: null });
    await deleteGroupMembers(tx, STANDING_GROUP);
    if (members.length > 0) await insertGroupMembers(tx, STANDING_GROUP, members, at);
  });
  return members.length;
}
