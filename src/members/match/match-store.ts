import { rtOf } from '#/fhir/resource-types.ts';
import type { TenantDatabase } from '#/platform/db/database.ts';
import type { CandidateRow } from './decide-match.ts';
import { IDENTIFIER_KINDS } from './index-rows.ts';

const ALL_KINDS: readonly number[] = Object.values(IDENTIFIER_KINDS);

/**
 * Identifiers first, then the names of whoever has one. The kinds are listed, because they stand before the value in the
 * key; `offset 0` keeps the names a look-up per candidate: as a plain join the planner may read the whole table.
 *
 * @internal exported for the test of its plan
 */
export const CANDIDATES_SQL = `select i.mk::text as mk, i.member_id as "memberId", i.kind, i.value_n as "valueN", i.system, i.dependent,
       m.umb, m.family_n as "familyN", m.given_n as "givenN", m.birth_date::text as "birthDate", m.gender, m.postal as "postalCodes"
  from member_identifier i
 cross join lateral (select * from member_match m
                      where m.tenant_id = $1 and m.mk = i.mk and m.member_id = i.member_id offset 0) m
 where i.tenant_id = $1 and i.kind = any($2::smallint[]) and i.value_n = any($3::text[])
 limit $4`;

export async function selectCandidates(
  db: TenantDatabase,
  values: readonly string[],
  limit: number,
): Promise<readonly CandidateRow[]> {
  const result = await db.read<CandidateRow>({
    name: 'member_candidates',
    text: CANDIDATES_SQL,
    values: [db.tenantId, ALL_KINDS, values, limit],
  });
  return result.rows;
}

export interface IdentifierHit {
  readonly mk: string;
  readonly memberId: string;
  readonly kind: number;
  readonly value: string;
  readonly system: string;
}

/** @internal exported for the test of its plan */
export const BY_IDENTIFIER_SQL = `select i.mk::text as mk, i.member_id as "memberId", i.kind, i.value, i.system
  from member_identifier i
 where i.tenant_id = $1 and i.kind = any($2::smallint[]) and i.value_n = $3
 order by i.member_id limit 100`;

export async function selectByIdentifier(
  db: TenantDatabase,
  kinds: readonly number[],
  valueN: string,
): Promise<readonly IdentifierHit[]> {
  const result = await db.read<IdentifierHit>({
    name: 'member_by_identifier',
    text: BY_IDENTIFIER_SQL,
    values: [db.tenantId, kinds, valueN],
  });
  return result.rows;
}

/** @internal exported for the test of its plan */
export const UMBS_SQL = `select i.mk::text as mk, i.member_id as "memberId", i.kind, i.value, i.system
  from member_identifier i
 where i.tenant_id = $1 and i.source_rt = $2 and i.source_id = any($3::text[]) and i.kind = ${IDENTIFIER_KINDS.umb}`;

/** Every Patient has one row with its unique member identifier, and is itself that row's source. */
export async function selectUmbs(db: TenantDatabase, patientIds: readonly string[]): Promise<readonly IdentifierHit[]> {
  const result = await db.read<IdentifierHit>({
    name: 'member_umbs',
    text: UMBS_SQL,
    values: [db.tenantId, rtOf('Patient'), patientIds.filter((id) => !id.includes('\0'))],
  });
  return result.rows;
}
