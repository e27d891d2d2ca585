import type { Queryable } from '#/platform/db/database.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

export interface RepresentedRow {
  readonly patientId: string;
  readonly relatedPersonId: string;
}

/** For whom the person may act now. */
export async function selectRepresented(db: TenantQueryable, umb: string): Promise<readonly RepresentedRow[]> {
  const result = await db.query<{ member_id: string; related_person_id: string }>(
    `select member_id, related_person_id from member_representative
      where tenant_id = $1 and umb = $2 and (ends_at is null or ends_at > clock_timestamp()) order by member_id`,
    [db.tenantId, umb],
  );
  return result.rows.map((row) => ({ patientId: row.member_id, relatedPersonId: row.related_person_id }));
}

export async function upsertRepresentative(
  db: TenantQueryable,
  row: RepresentedRow & { readonly umb: string; readonly endsAt: Date | undefined },
): Promise<void> {
  await db.query(
    `insert into member_representative (tenant_id, umb, member_id, related_person_id, ends_at) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, umb, member_id) do update set (related_person_id, ends_at) = (excluded.related_person_id, excluded.ends_at)`,
    [db.tenantId, row.umb, row.patientId, row.relatedPersonId, row.endsAt ?? null],
  );
}

export async function deleteRepresentative(db: TenantQueryable, umb: string, patientId: string): Promise<boolean> {
  const result = await db.query(
    'delete from member_representative where tenant_id = $1 and umb = $2 and member_id = $3',
    [db.tenantId, umb, patientId],
  );
  return result.rowCount === 1;
}
