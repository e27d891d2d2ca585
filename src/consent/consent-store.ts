import type { Queryable } from '#/platform/db/database.ts';
import type { ConsentPolicy } from './consent.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** A record of a member; `mk` is 64 bits, so it travels as text. */
export interface MemberRow {
  readonly mk: string;
  readonly memberId: string;
}

export interface NewConsent extends MemberRow {
  readonly id: string;
  readonly client: string;
  readonly organization: string | undefined;
  readonly policy: ConsentPolicy;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly evidence: string | undefined;
  readonly resource: string;
  readonly requestHash: Buffer;
  readonly receivedAt: Date;
}

export async function insertConsent(db: TenantQueryable, consent: NewConsent): Promise<void> {
  await db.query(
    `insert into consent_record (tenant_id, id, mk, member_id, client, organization, policy, starts_at, ends_at, evidence,
                                 resource, request_hash, received_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      db.tenantId,
      consent.id,
      consent.mk,
      consent.memberId,
      consent.client,
      consent.organization ?? null,
      consent.policy,
      consent.startsAt,
      consent.endsAt,
      consent.evidence ?? null,
      consent.resource,
      consent.requestHash,
      consent.receivedAt,
    ],
  );
}

export async function selectConsents(
  db: TenantQueryable,
  ids: readonly string[],
): Promise<readonly { id: string; policy: ConsentPolicy; starts_at: Date; ends_at: Date }[]> {
  const result = await db.query<{ id: string; policy: ConsentPolicy; starts_at: Date; ends_at: Date }>(
    `select id, policy, starts_at, ends_at from consent_record where tenant_id = $1 and id = any($2::uuid[])`,
    [db.tenantId, ids],
  );
  return result.rows;
}

/** A consent as it was sent, and what was read in it. */
export interface KeptConsent {
  readonly id: string;
  readonly policy: ConsentPolicy;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly evidence: string | null;
  readonly resource: string;
  readonly received_at: Date;
}

export async function selectKeptConsent(db: TenantQueryable, id: string): Promise<KeptConsent | undefined> {
  const result = await db.query<KeptConsent>(
    `select id, policy, starts_at, ends_at, evidence, resource, received_at from consent_record where tenant_id = $1 and id = $2`,
    [db.tenantId, id],
  );
  return result.rows[0];
}

/** Those of the given records that a block in force stands on. */
export async function selectBlocked(
  db: TenantQueryable,
  members: readonly MemberRow[],
): Promise<readonly { mk: string; member_id: string }[]> {
  const result = await db.query<{ mk: string; member_id: string }>(
    `select b.mk::text as mk, b.member_id
       from unnest($2::bigint[], $3::text[]) m (mk, member_id)
       join consent_block b on b.tenant_id = $1 and b.mk = m.mk and b.member_id = m.member_id and b.lifted_at is null`,
    [db.tenantId, members.map((member) => member.mk), members.map((member) => member.memberId)],
  );
  return result.rows;
}

/** @returns how many were not blocked before */
export async function insertBlocks(db: TenantQueryable, members: readonly MemberRow[], at: Date): Promise<number> {
  const result = await db.query(
    `insert into consent_block (tenant_id, mk, member_id, blocked_at)
     select $1, m.mk, m.member_id, $4 from unnest($2::bigint[], $3::text[]) m (mk, member_id)
     on conflict (tenant_id, mk, member_id) where lifted_at is null do nothing`,
    [db.tenantId, members.map((member) => member.mk), members.map((member) => member.memberId), at],
  );
  return result.rowCount ?? 0;
}

/** @returns how many were blocked before */
export async function liftBlocks(db: TenantQueryable, members: readonly MemberRow[], at: Date): Promise<number> {
  const result = await db.query(
    `update consent_block b set lifted_at = greatest($4, b.blocked_at)
       from unnest($2::bigint[], $3::text[]) m (mk, member_id)
      where b.tenant_id = $1 and b.mk = m.mk and b.member_id = m.member_id and b.lifted_at is null`,
    [db.tenantId, members.map((member) => member.mk), members.map((member) => member.memberId), at],
  );
  return result.rowCount ?? 0;
}
