import type { Queryable } from '#/platform/db/database.ts';
import type { IdentifierRow, NameRow } from './index-rows.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** The resource that a row of the index comes from. */
export interface Source {
  readonly rt: number;
  readonly id: string;
}

/** `mk` is 64 bits, so it travels as text. */
interface Owned {
  readonly mk: string;
  readonly memberId: string;
}

export interface OwnedIdentifier extends IdentifierRow, Owned {
  readonly source: Source;
}

export interface OwnedName extends NameRow, Owned {
  readonly birthDate: string;
  readonly gender: string | null;
  readonly postalCodes: readonly string[];
  readonly umb: string;
}

export async function deleteIdentifiers(db: TenantQueryable, sources: readonly Source[]): Promise<void> {
  await db.query(
    `delete from member_identifier i using unnest($2::smallint[], $3::text[]) s (rt, id)
      where i.tenant_id = $1 and i.source_id = s.id and i.source_rt = s.rt`,
    [db.tenantId, sources.map((source) => source.rt), sources.map((source) => source.id)],
  );
}

export async function deleteNames(db: TenantQueryable, members: readonly Owned[]): Promise<void> {
  await db.query(
    `delete from member_match m using unnest($2::bigint[], $3::text[]) s (mk, member_id)
      where m.tenant_id = $1 and m.mk = s.mk and m.member_id = s.member_id`,
    [db.tenantId, members.map((member) => member.mk), members.map((member) => member.memberId)],
  );
}

/** One resource may say a number twice, and one batch may hold two versions of a resource: the first stays. */
export async function insertIdentifiers(db: TenantQueryable, rows: readonly OwnedIdentifier[]): Promise<void> {
  await db.query(
    `insert into member_identifier (tenant_id, kind, value_n, mk, member_id, source_rt, source_id, system, value, dependent)
     select $1, * from unnest($2::smallint[], $3::text[], $4::bigint[], $5::text[], $6::smallint[], $7::text[], $8::text[],
                              $9::text[], $10::text[])
     on conflict do nothing`,
    [
      db.tenantId,
      rows.map((row) => row.kind),
      rows.map((row) => row.valueN),
      rows.map((row) => row.mk),
      rows.map((row) => row.memberId),
      rows.map((row) => row.source.rt),
      rows.map((row) => row.source.id),
      rows.map((row) => row.system),
      rows.map((row) => row.value),
      rows.map((row) => row.dependent),
    ],
  );
}

export async function insertNames(db: TenantQueryable, rows: readonly OwnedName[]): Promise<void> {
  await db.query(
    `insert into member_match (tenant_id, mk, member_id, family_n, given_n, birth_date, gender, postal, umb)
     select $1, r.mk, r.member_id, r.family_n, r.given_n, r.birth_date, r.gender, r.postal, r.umb
       from jsonb_to_recordset($2) r (mk bigint, member_id text, family_n text, given_n text, birth_date date, gender text,
            postal text[], umb text)
     on conflict do nothing`,
    [
      db.tenantId,
      JSON.stringify(
        rows.map((row) => ({
          mk: row.mk,
          member_id: row.memberId,
          family_n: row.familyN,
          given_n: row.givenN,
          birth_date: row.birthDate,
          gender: row.gender,
          postal: row.postalCodes,
          umb: row.umb,
        })),
      ),
    ],
  );
}

/**
 * Kind 5 is in the index once for each Patient; kinds 1 to 4 are what a caller can name. Both sides are gathered first: asked
 * for each member, the work grew with the square of the plan (2.7 s for 6,000 members).
 */
export async function selectNotMatchable(db: TenantQueryable): Promise<number> {
  const result = await db.query<{ count: number }>(
    `select count(*)::int as count from member_identifier p
       left join (select distinct mk, member_id from member_identifier where tenant_id = $1 and kind < 5) i
         on i.mk = p.mk and i.member_id = p.member_id
       left join (select distinct mk, member_id from member_match where tenant_id = $1) m
         on m.mk = p.mk and m.member_id = p.member_id
      where p.tenant_id = $1 and p.kind = 5 and (i.mk is null or m.mk is null)`,
    [db.tenantId],
  );
  return result.rows[0]!.count;
}
