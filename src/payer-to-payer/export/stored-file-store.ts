import type { TenantDatabase } from '#/platform/db/database.ts';
import type { FilePlace } from './files.ts';

/** The files that a row knows and somebody may still download or finish, in pages, ordered by job and name. */
export async function readStoredFiles(
  db: TenantDatabase,
  after: FilePlace | undefined,
  limit: number,
): Promise<readonly FilePlace[]> {
  const result = await db.query<{ job_id: string; name: string }>(
    `select f.job_id, f.name from export_file f join export_job j on j.tenant_id = f.tenant_id and j.id = f.job_id
      where f.tenant_id = $1 and j.state in ('running', 'complete')
        and ($2::uuid is null or (f.job_id, f.name) > ($2, $3))
      order by f.job_id, f.name limit $4`,
    [db.tenantId, after?.jobId ?? null, after?.name ?? null, limit],
  );
  return result.rows.map((row) => ({ tenantId: db.tenantId, jobId: row.job_id, name: row.name }));
}
