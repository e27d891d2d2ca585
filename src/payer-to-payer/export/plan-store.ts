import type { TenantConnection } from '#/platform/db/database.ts';
import { insertNotes } from './note-store.ts';
import { LAST_SLICE, type Note, type PlannedPart, type PlannedSlice, Superseded } from './slices.ts';

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
