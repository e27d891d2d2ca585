import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';

export interface SealedFileKey {
  readonly jobId: string;
  readonly sealed: Buffer;
  /** Which master key sealed it. */
  readonly keyId: string;
}

export async function readFileKey(db: TenantDatabase, jobId: string): Promise<SealedFileKey | undefined> {
  const result = await db.query<{ file_key: Buffer; file_key_id: string }>(
    'select file_key, file_key_id from export_job where tenant_id = $1 and id = $2 and file_key is not null',
    [db.tenantId, jobId],
  );
  const row = result.rows[0];
  return row && { jobId, sealed: row.file_key, keyId: row.file_key_id };
}

/** Of two processes that begin one export, the first gives the key; both read the same back. */
export async function insertFileKey(db: TenantDatabase, key: SealedFileKey): Promise<void> {
  await db.query(
    `update export_job set file_key = $3, file_key_id = $4
      where tenant_id = $1 and id = $2 and file_key is null`,
    [db.tenantId, key.jobId, key.sealed, key.keyId],
  );
}

/** The keys of a tenant that another master key sealed, locked until the transaction ends. */
export async function lockFileKeysOfOthers(tx: TenantConnection, keyId: string): Promise<readonly SealedFileKey[]> {
  const result = await tx.query<{ id: string; file_key: Buffer; file_key_id: string }>(
    `select id, file_key, file_key_id from export_job
      where tenant_id = $1 and file_key_id <> $2 order by id for update`,
    [tx.tenantId, keyId],
  );
  return result.rows.map((row) => ({ jobId: row.id, sealed: row.file_key, keyId: row.file_key_id }));
}

export async function updateFileKey(tx: TenantConnection, key: SealedFileKey): Promise<void> {
  await tx.query('update export_job set file_key = $3, file_key_id = $4 where tenant_id = $1 and id = $2', [
    tx.tenantId,
    key.jobId,
    key.sealed,
    key.keyId,
  ]);
}
