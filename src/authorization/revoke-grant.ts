import { endGrant, type Grant, type RevokedBy } from '#/consent/grants/grants.ts';
import type { Database } from '#/platform/db/database.ts';
import { deleteByGrant } from './artifact-store.ts';

/**
 * Ends what a member let an app see: its tokens go, every process is told, and the record says who ended it. May be done twice.
 *
 * Source: authorization.md 9, grant revocation.
 *
 * @returns undefined when it had ended before
 */
export async function revokeGrant(
  database: Database,
  tenantId: number,
  grantId: string,
  by: RevokedBy,
  requestId: string | undefined,
): Promise<Grant | undefined> {
  return database.tenant(tenantId).transaction(async (tx) => {
    await deleteByGrant(tx, grantId);
    return endGrant(tx, grantId, by, requestId);
  });
}
