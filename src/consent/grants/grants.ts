import { recordAudit } from '#/audit/audit.ts';
import { memberAuditKey } from '#/members/umb.ts';
import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import { deleteGrants, insertGrant, noteGrantUse, selectGrant, selectGrantsOf, updateRevoked } from './grant-store.ts';

/** Where an app came in, which decides what it can get: claims never leave by `payer2payer`. */
export type Segment = 'patient-access' | 'payer2payer';

export type RevokedBy = 'member' | 'client' | 'operator' | 'replaced' | 'reuse' | 'account-closed' | 'reset';

/** A member's decision that an app may see something, until when, and what became of it. */
export interface Grant {
  readonly id: string;
  readonly clientId: string;
  readonly accountId: string;
  readonly umb: string;
  readonly patientId: string;
  /** Set: a representative decided; it is the RelatedPerson that he or she is. */
  readonly relatedPersonId: string | undefined;
  readonly segment: Segment;
  /** As they were granted, static ones too. */
  readonly scopes: readonly string[];
  readonly releasesSensitive: boolean;
  readonly ial: string;
  readonly acr: string | undefined;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  readonly revokedBy: RevokedBy | undefined;
}

export type NewGrant = Omit<Grant, 'createdAt' | 'lastUsedAt' | 'revokedAt' | 'revokedBy'>;

/** Last use is told to the hour: a read must not cost a write. */
const USE_INTERVAL_MS = 3_600_000;

/** Is sharing by this grant allowed at a moment? */
export function isGrantLive(grant: Grant, at: Date): boolean {
  return grant.revokedAt === undefined && at < grant.expiresAt;
}

/** Records a decision, in the transaction of whatever follows from it. */
export async function recordGrant(tx: TenantConnection, grant: NewGrant, requestId: string): Promise<void> {
  await insertGrant(tx, grant);
  await recordAudit(tx, {
    action: 'grant.share',
    outcome: 'success',
    client: grant.clientId,
    memberKey: memberAuditKey(tx.tenantId, grant.umb),
    subject: grant.id,
    requestId,
    facts: {
      segment: grant.segment,
      scopes: grant.scopes,
      sensitive: grant.releasesSensitive,
      until: grant.expiresAt.toISOString(),
      byRepresentative: grant.relatedPersonId !== undefined,
    },
  });
}

export function readGrant(db: TenantDatabase, id: string): Promise<Grant | undefined> {
  return selectGrant(db, id);
}

/** A member's grants, newest first, ended ones too. */
export function listGrants(
  db: TenantDatabase,
  of: { readonly umb: string } | { readonly accountId: string },
): Promise<readonly Grant[]> {
  return selectGrantsOf(db, of);
}

/**
 * Ends a grant in the record. Taking back its tokens is the caller's part (authorization).
 *
 * @returns undefined when it had ended before: the first reason stays
 */
export async function endGrant(
  tx: TenantConnection,
  id: string,
  by: RevokedBy,
  requestId: string | undefined,
): Promise<Grant | undefined> {
  const grant = await updateRevoked(tx, id, by);
  if (!grant) return undefined;
  await recordAudit(tx, {
    action: 'grant.stop',
    outcome: 'success',
    client: grant.clientId,
    memberKey: memberAuditKey(tx.tenantId, grant.umb),
    subject: grant.id,
    requestId,
    facts: { by },
  });
  return grant;
}

/** Notes that a grant was used, once an hour. */
export async function noteUse(db: TenantDatabase, grant: Grant, now: Date): Promise<void> {
  if (now.getTime() - (grant.lastUsedAt?.getTime() ?? 0) >= USE_INTERVAL_MS)
    await noteGrantUse(db, grant.id, USE_INTERVAL_MS / 1_000);
}

/** For a sandbox that is brought back to how it was made. @returns the ids of those that went */
export const removeAllGrants = deleteGrants;
