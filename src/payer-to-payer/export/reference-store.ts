import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';

/** Rows per statement: a plan's directory may be long. */
const BATCH_ROWS = 10_000;

/** @returns how many were not known before */
export async function insertReferences(
  tx: TenantConnection,
  jobId: string,
  references: ReadonlySet<string>,
  depth: number,
): Promise<number> {
  if (references.size === 0) return 0;
  // Sorted, so that two slices that write the same ones never wait for each other in a circle.
  const sorted = [...references].sort().map((reference) => reference.split('/') as [string, string]);
  let added = 0;
  for (let from = 0; from < sorted.length; from += BATCH_ROWS) {
    const batch = sorted.slice(from, from + BATCH_ROWS);
    const result = await tx.query(
      `insert into export_reference (tenant_id, job_id, type, id, depth)
       select $1, $2, r.type, r.id, $5 from unnest($3::text[], $4::text[]) as r (type, id)
       on conflict do nothing`,
      [tx.tenantId, jobId, batch.map(([type]) => type), batch.map(([, id]) => id), depth],
    );
    added += result.rowCount ?? 0;
  }
  return added;
}

/** Did anything that left name a shared resource? */
export async function hasReferences(db: TenantDatabase, jobId: string): Promise<boolean> {
  const result = await db.query('select 1 from export_reference where tenant_id = $1 and job_id = $2 limit 1', [
    db.tenantId,
    jobId,
  ]);
  return result.rowCount === 1;
}

/** A page of the shared resources to write, in the order of their ids. */
export async function readReferences(
  db: TenantDatabase,
  jobId: string,
  page: { readonly type: string; readonly after: string; readonly limit: number; readonly depth: number | undefined },
): Promise<readonly string[]> {
  const result = await db.query<{ id: string }>(
    `select id from export_reference
      where tenant_id = $1 and job_id = $2 and type = $3 and id > $4 and ($6::int is null or depth = $6)
      order by id limit $5`,
    [db.tenantId, jobId, page.type, page.after, page.limit, page.depth ?? null],
  );
  return result.rows.map(({ id }) => id);
}
