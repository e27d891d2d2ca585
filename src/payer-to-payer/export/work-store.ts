import type { ConsentPolicy } from '#/consent/consent.ts';
import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import { insertNotes } from './note-store.ts';
import { insertReferences } from './reference-store.ts';
import {
  LAST_SLICE,
  type PartResult,
  type PlannedMember,
  type PlannedPart,
  type SliceClaim,
  Superseded,
} from './slices.ts';

/** Begins an attempt at a slice; undefined when it is done or the job is not running any more. */
export async function claimSlice(db: TenantDatabase, jobId: string, slice: number): Promise<SliceClaim | undefined> {
  const result = await db.query<{ attempt: number; policy: ConsentPolicy }>(
    `update export_slice_work w set attempt = w.attempt + 1
       from export_job j
      where w.tenant_id = $1 and w.job_id = $2 and w.slice = $3 and not w.done
        and j.tenant_id = $1 and j.id = $2 and j.state = 'running'
      returning w.attempt, w.policy`,
    [db.tenantId, jobId, slice],
  );
  return result.rows[0] && { jobId, slice, ...result.rows[0] };
}

export async function readSliceMembers(
  db: TenantDatabase,
  jobId: string,
  slice: number,
): Promise<readonly PlannedMember[]> {
  const result = await db.query<{ mk: string; member_id: string }>(
    `select mk::text as mk, member_id from export_member where tenant_id = $1 and job_id = $2 and slice = $3 order by mk`,
    [db.tenantId, jobId, slice],
  );
  return result.rows.map((row) => ({ mk: row.mk, memberId: row.member_id }));
}

/** The slices of members that are still to be done, in order; the last slice is not among them. */
export async function readOpenSlices(db: TenantDatabase | TenantConnection, jobId: string): Promise<readonly number[]> {
  const result = await db.query<{ slice: number }>(
    `select slice from export_slice_work where tenant_id = $1 and job_id = $2 and not done and slice <> ${LAST_SLICE} order by slice`,
    [db.tenantId, jobId],
  );
  return result.rows.map(({ slice }) => slice);
}

/** The parts of a slice that are still to be written, in the order of the manifest. */
export async function readOpenParts(
  db: TenantDatabase,
  claim: SliceClaim,
): Promise<readonly Omit<PlannedPart, 'slice'>[]> {
  const result = await db.query<{ type: string; position: number }>(
    `select type, position from export_part
      where tenant_id = $1 and job_id = $2 and slice = $3 and not done order by position`,
    [db.tenantId, claim.jobId, claim.slice],
  );
  return result.rows;
}

/**
 * Holds the claim for the transaction.
 *
 * @throws Superseded when it is void
 */
export async function requireClaim(tx: TenantConnection, claim: SliceClaim): Promise<void> {
  const held = await tx.query(
    `select 1 from export_slice_work w join export_job j on j.tenant_id = w.tenant_id and j.id = w.job_id
      where w.tenant_id = $1 and w.job_id = $2 and w.slice = $3 and w.attempt = $4 and not w.done and j.state = 'running'
        for update of w`,
    [tx.tenantId, claim.jobId, claim.slice, claim.attempt],
  );
  if (held.rowCount !== 1) throw new Superseded();
}

/** May this attempt still write? */
export async function isClaimValid(db: TenantDatabase, claim: SliceClaim): Promise<boolean> {
  const held = await db.query(
    `select 1 from export_slice_work w join export_job j on j.tenant_id = w.tenant_id and j.id = w.job_id
      where w.tenant_id = $1 and w.job_id = $2 and w.slice = $3 and w.attempt = $4 and not w.done and j.state = 'running'`,
    [db.tenantId, claim.jobId, claim.slice, claim.attempt],
  );
  return held.rowCount === 1;
}

/** @throws Superseded when the claim is void; then nothing was written */
export async function finishParts(
  tx: TenantConnection,
  claim: SliceClaim,
  results: readonly PartResult[],
  now: Date,
): Promise<void> {
  // The job's row first, here as in finishSlice: two attempts at one slice then never wait for each other in a circle.
  await tx.query('update export_job set changed_at = $3 where tenant_id = $1 and id = $2', [
    tx.tenantId,
    claim.jobId,
    now,
  ]);
  await requireClaim(tx, claim);
  const files = results.flatMap(({ files, position }) =>
    files.map((file, sequence) => ({ ...file, position, sequence })),
  );
  await tx.query(
    `insert into export_file (tenant_id, job_id, slice, name, kind, type, position, sequence, resources, size_bytes)
     select $1, $2, $3, f.name, f.kind, f.type, f.position, f.sequence, f.resources, f.bytes
       from unnest($4::text[], $5::text[], $6::text[], $7::smallint[], $8::int[], $9::int[], $10::bigint[])
         as f (name, kind, type, position, sequence, resources, bytes)`,
    [
      tx.tenantId,
      claim.jobId,
      claim.slice,
      files.map(({ name }) => name),
      files.map(({ kind }) => kind),
      files.map(({ type }) => type),
      files.map(({ position }) => position),
      files.map(({ sequence }) => sequence),
      files.map(({ resources }) => resources),
      files.map(({ sizeBytes }) => sizeBytes),
    ],
  );
  const notes = results.flatMap(({ type, notes }) =>
    notes.map((outcome, sequence) => ({ slice: claim.slice, subject: type, sequence, outcome })),
  );
  await insertNotes(tx, claim.jobId, notes);
  await insertReferences(tx, claim.jobId, new Set(results.flatMap(({ references }) => references)), 0);
  await tx.query(
    `update export_part p set done = true, withheld = r.withheld
       from unnest($4::text[], $5::jsonb[]) as r (type, withheld)
      where p.tenant_id = $1 and p.job_id = $2 and p.slice = $3 and p.type = r.type`,
    [
      tx.tenantId,
      claim.jobId,
      claim.slice,
      results.map(({ type }) => type),
      results.map(({ withheld }) => JSON.stringify(withheld)),
    ],
  );
}

/**
 * Marks a slice done.
 *
 * @returns true when it was the last of the members' slices. The job's row is locked first, so that of two slices that
 *   end together exactly one sees itself as the last
 * @throws Superseded
 */
export async function finishSlice(tx: TenantConnection, claim: SliceClaim): Promise<boolean> {
  await tx.query('select 1 from export_job where tenant_id = $1 and id = $2 for update', [tx.tenantId, claim.jobId]);
  await requireClaim(tx, claim);
  await tx.query('update export_slice_work set done = true where tenant_id = $1 and job_id = $2 and slice = $3', [
    tx.tenantId,
    claim.jobId,
    claim.slice,
  ]);
  const open = await tx.query<{ open: number }>(
    `select count(*)::int as open from export_slice_work where tenant_id = $1 and job_id = $2 and slice <> ${LAST_SLICE} and not done`,
    [tx.tenantId, claim.jobId],
  );
  return open.rows[0]!.open === 0;
}

export interface ExportTotals {
  readonly resourcesByType: Readonly<Record<string, number>>;
  readonly files: number;
  readonly sizeBytes: number;
  readonly withheldByReason: Readonly<Record<string, number>>;
}

/**
 * Ends the job as complete, fenced by the claim of its last slice.
 *
 * @throws Superseded
 */
export async function completeJob(tx: TenantConnection, claim: SliceClaim, now: Date): Promise<ExportTotals> {
  await requireClaim(tx, claim);
  await tx.query('update export_slice_work set done = true where tenant_id = $1 and job_id = $2 and slice = $3', [
    tx.tenantId,
    claim.jobId,
    claim.slice,
  ]);
  await tx.query(
    `update export_job set state = 'complete', changed_at = $3::timestamptz,
            expires_at = $3::timestamptz + make_interval(days => retention_days)
      where tenant_id = $1 and id = $2`,
    [tx.tenantId, claim.jobId, now],
  );
  // Their work is done; what the file rows say stays.
  await tx.query('delete from export_reference where tenant_id = $1 and job_id = $2', [tx.tenantId, claim.jobId]);
  await tx.query('delete from export_note where tenant_id = $1 and job_id = $2', [tx.tenantId, claim.jobId]);
  const totals = await tx.query<{
    files: number;
    bytes: string;
    by_type: Record<string, number>;
    withheld: Record<string, number>;
  }>(
    `select coalesce(sum(files), 0)::int as files, coalesce(sum(bytes), 0)::bigint as bytes,
            coalesce(jsonb_object_agg(type, resources), '{}') as by_type,
            (select coalesce(jsonb_object_agg(key, n), '{}') from (
               select w.key, sum(w.value::int) as n from export_part p, jsonb_each_text(p.withheld) w
                where p.tenant_id = $1 and p.job_id = $2 group by w.key) counted) as withheld
       from (select type, count(*) as files, sum(size_bytes) as bytes, sum(resources) as resources
               from export_file where tenant_id = $1 and job_id = $2 group by type) f`,
    [tx.tenantId, claim.jobId],
  );
  const row = totals.rows[0]!;
  return {
    resourcesByType: row.by_type,
    files: row.files,
    sizeBytes: Number(row.bytes),
    withheldByReason: row.withheld,
  };
}
