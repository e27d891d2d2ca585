import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import { withheldMemberNote } from './notes.ts';
import { LAST_SLICE, type Note } from './slices.ts';

/** Rows per statement where a group may be as large as a plan. */
const BATCH_ROWS = 10_000;

/** Adds lines to the error file; one that is there already stays as it is. */
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

/** One line for each member who may not leave, whenever that is found out and however often. */
export async function noteWithheld(
  db: TenantDatabase,
  jobId: string,
  members: readonly { readonly memberId: string }[],
): Promise<void> {
  const notes = members.map(({ memberId }) => withheldMemberNote(LAST_SLICE, memberId));
  await db.transaction((tx) => insertNotes(tx, jobId, notes));
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
