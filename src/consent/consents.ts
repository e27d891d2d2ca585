import type { Queryable } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { type ConsentRecord, type ConsentRefusalCode, type SensitiveDataStance, whyNotActive } from './consent.ts';
import {
  insertBlocks,
  insertConsent,
  type KeptConsent,
  liftBlocks,
  type MemberRow,
  type NewConsent,
  selectBlocked,
  selectConsents,
  selectKeptConsent,
} from './consent-store.ts';
import type { PayerNumbers } from './payer-identifiers.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

export type { KeptConsent, MemberRow, NewConsent } from './consent-store.ts';

/** Keeps a consent that was accepted: what was decided, and the Consent as it was sent (P2P-14). */
export async function keepConsent(transaction: TenantQueryable, consent: NewConsent): Promise<void> {
  await insertConsent(transaction, consent);
}

/** A consent that was accepted, as it was sent. */
export function readKeptConsent(db: TenantQueryable, id: string): Promise<KeptConsent | undefined> {
  return selectKeptConsent(db, id);
}

/** Has the member, by any of these records of the person, told the plan not to share with other payers? */
export async function isBlocked(db: TenantQueryable, records: readonly MemberRow[]): Promise<boolean> {
  return (await selectBlocked(db, records)).length > 0;
}

/** @returns false when the block was there already */
export async function blockMember(tx: TenantQueryable, records: readonly MemberRow[], at: Date): Promise<boolean> {
  return (await insertBlocks(tx, records, at)) > 0;
}

/** @returns false when there was no block */
export async function unblockMember(tx: TenantQueryable, records: readonly MemberRow[], at: Date): Promise<boolean> {
  return (await liftBlocks(tx, records, at)) > 0;
}

export type ConsentNow =
  | { readonly kind: 'active'; readonly policy: ConsentRecord['policy'] }
  | { readonly kind: 'ended'; readonly reason: ConsentRefusalCode };

/**
 * May these members' data leave at this moment? One answer for each, in order. A member without a consent (the standing
 * group of a sandbox) is judged by blocks alone, under the policy `regular`.
 */
export async function consentsNow(
  db: TenantQueryable,
  tenant: Tenant,
  members: readonly (MemberRow & { readonly consentId: string | undefined })[],
  now: Date,
): Promise<readonly ConsentNow[]> {
  const ids = [...new Set(members.flatMap((member) => member.consentId ?? []))];
  // One after the other: `db` may be one connection.
  const rows = ids.length > 0 ? await selectConsents(db, ids) : [];
  const blocks = members.length > 0 ? await selectBlocked(db, members) : [];
  const consents = new Map<string, ConsentRecord>(
    rows.map((row) => [row.id, { policy: row.policy, startsAt: row.starts_at, endsAt: row.ends_at }]),
  );
  const blocked = new Set(blocks.map((row) => `${row.mk} ${row.member_id}`));
  const standing: ConsentRecord = { policy: 'regular', startsAt: new Date(0), endsAt: now };
  return members.map((member) => {
    const record = member.consentId === undefined ? standing : consents.get(member.consentId);
    if (!record) return { kind: 'ended', reason: 'consent-invalid' };
    const reason = whyNotActive(record, {
      now,
      blocked: blocked.has(`${member.mk} ${member.memberId}`),
      sensitiveData: sensitiveDataOf(tenant),
    });
    return reason === undefined ? { kind: 'active', policy: record.policy } : { kind: 'ended', reason };
  });
}

export function sensitiveDataOf({ settings }: Tenant): SensitiveDataStance {
  return {
    holds: settings.holdsSensitiveData,
    labels: settings.labelsSensitiveData,
    releases: settings.releasesSensitiveData,
  };
}

/** The numbers that this plan is known by. */
export function numbersOf({ settings }: Tenant): PayerNumbers {
  const list = (number: string | undefined): readonly string[] => (number === undefined ? [] : [number]);
  return { npis: list(settings.npi), naics: list(settings.naic), payerIds: settings.payerIds, eins: [] };
}
