import type { ConsentPolicy } from '#/consent/consent.ts';
import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import type { ExportFile } from './export-job.ts';

/** The right to work on one slice: void as soon as a later attempt has begun or the job is no longer running. */
export interface SliceClaim {
  readonly jobId: string;
  readonly slice: number;
  readonly attempt: number;
  readonly policy: ConsentPolicy;
}

/** Slice 0 is the end of an export: shared resources, deletions, the error file. Members' slices count from 1. */
export const LAST_SLICE = 0;

export interface PlannedMember {
  /** The locator of the member's rows, 64 bits as a decimal string. */
  readonly mk: string;
  readonly memberId: string;
}

export interface PlannedSlice {
  readonly slice: number;
  readonly policy: ConsentPolicy;
  readonly members: readonly PlannedMember[];
}

export interface PlannedPart {
  readonly slice: number;
  readonly type: string;
  /** Order of the type in the manifest. */
  readonly position: number;
}

/** What one finished part leaves behind, written in one transaction with its `done`. */
export interface PartResult {
  readonly type: string;
  readonly position: number;
  readonly files: readonly ExportFile[];
  /** OperationOutcomes for the error file, as JSON text. */
  readonly notes: readonly string[];
  /** Shared resources named by what left, as `Type/id`. */
  readonly references: readonly string[];
  /** Counts of what the disclosure policy kept back, by reason. */
  readonly withheld: Readonly<Record<string, number>>;
}

/** A line of the error file. The key makes it one line, however often its work is tried. */
export interface Note {
  readonly slice: number;
  /** What it is about: a part's type, a parameter, a member's `Patient/id`. */
  readonly subject: string;
  readonly sequence: number;
  /** An OperationOutcome as JSON text. */
  readonly outcome: string;
}

/** Another attempt took the work over, or the job was deleted: whoever sees it stops without effect. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** Rows per statement where a group may be as large as a plan. */
const BATCH_ROWS = 10_000;

/**
 * Turns a queued job into a running one with its slices, parts and first notes. The job's row is written last, so that a
 * delete does not have to wait for the plan of a large group.
 *
 * @returns false when the job was planned already
 * @throws Superseded when it was deleted meanwhile
 */
export async function insertPlan(
  tx: TenantConnection,
  jobId: string,
  plan: {
    readonly transactionTime: Date;
    readonly now: Date;
    readonly slices: readonly PlannedSlice[];
    readonly parts: readonly PlannedPart[];
    readonly notes: readonly Note[];
  },
): Promise<boolean> {
  // The row of the last slice stands for the plan: of two planners one gets it.
  const first = await tx.query(
    `insert into export_slice_work (tenant_id, job_id, slice, policy)
     select $1, id, ${LAST_SLICE}, 'regular' from export_job where tenant_id = $1 and id = $2 and state = 'queued'
     on conflict do nothing`,
    [tx.tenantId, jobId],
  );
  if (first.rowCount !== 1) return false;
  const slices = plan.slices.filter(({ slice }) => slice !== LAST_SLICE);
  await tx.query(
    `insert into export_slice_work (tenant_id, job_id, slice, policy)
     select $1, $2, s.slice, s.policy from unnest($3::int[], $4::text[]) as s (slice, policy)`,
    [tx.tenantId, jobId, slices.map(({ slice }) => slice), slices.map(({ policy }) => policy)],
  );
  const members = plan.slices.flatMap(({ slice, members }) => members.map((member) => ({ slice, ...member })));
  for (let from = 0; from < members.length; from += BATCH_ROWS) {
    const batch = members.slice(from, from + BATCH_ROWS);
    await tx.query(
      `insert into export_member (tenant_id, job_id, slice, mk, member_id)
       select $1, $2, m.slice, m.mk, m.member_id from unnest($3::int[], $4::bigint[], $5::text[]) as m (slice, mk, member_id)`,
      [
        tx.tenantId,
        jobId,
        batch.map(({ slice }) => slice),
        batch.map(({ mk }) => mk),
        batch.map(({ memberId }) => memberId),
      ],
    );
  }
  for (let from = 0; from < plan.parts.length; from += BATCH_ROWS) {
    const batch = plan.parts.slice(from, from + BATCH_ROWS);
    await tx.query(
      `insert into export_part (tenant_id, job_id, slice, type, position)
       select $1, $2, p.slice, p.type, p.position from unnest($3::int[], $4::text[], $5::smallint[]) as p (slice, type, position)`,
      [
        tx.tenantId,
        jobId,
        batch.map(({ slice }) => slice),
        batch.map(({ type }) => type),
        batch.map(({ position }) => position),
      ],
    );
  }
  await insertNotes(tx, jobId, plan.notes);
  const started = await tx.query(
    `update export_job set state = 'running', transaction_time = $3, changed_at = $4
      where tenant_id = $1 and id = $2 and state = 'queued'`,
    [tx.tenantId, jobId, plan.transactionTime, plan.now],
  );
  if (started.rowCount !== 1) throw new Superseded();
  return true;
}

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
export async function readOpenSlices(db: TenantDatabase, jobId: string): Promise<readonly number[]> {
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

export async function insertNotes(tx: TenantConnection, jobId: string, notes: readonly Note[]): Promise<void> {
  for (let from = 0; from < notes.length; from += BATCH_ROWS) {
    const batch = notes.slice(from, from + BATCH_ROWS);
    await tx.query(
      `insert into export_note (tenant_id, job_id, slice, subject, sequence, outcome)
       select $1, $2, n.slice, n.subject, n.sequence, n.outcome
         from unnest($3::int[], $4::text[], $5::int[], $6::text[]) as n (slice, subject, sequence, outcome)
       on conflict do nothing`,
      [
        tx.tenantId,
        jobId,
        batch.map(({ slice }) => slice),
        batch.map(({ subject }) => subject),
        batch.map(({ sequence }) => sequence),
        batch.map(({ outcome }) => outcome),
      ],
    );
  }
}

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

/** A page of the lines of the error file, in a fixed order, after the note given. */
export async function readNotes(
  db: TenantDatabase,
  jobId: string,
  after: Note | undefined,
  limit: number,
): Promise<readonly Note[]> {
  const result = await db.query<{ slice: number; subject: string; sequence: number; outcome: string }>(
    `select slice, subject, sequence, outcome from export_note
      where tenant_id = $1 and job_id = $2 and (slice, subject, sequence) > ($3, $4, $5)
      order by slice, subject, sequence limit $6`,
    [db.tenantId, jobId, after?.slice ?? -1, after?.subject ?? '', after?.sequence ?? 0, limit],
  );
  return result.rows;
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
