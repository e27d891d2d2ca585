import { rtOf } from '#/fhir/resource-types.ts';
import { readDeletedOfSlice } from '#/fhir/store/export-changes.ts';
import { isMemberType } from './exportable-types.ts';
import type { PartWriter } from './part-writer.ts';
import type { SliceWork } from './slice-work.ts';

/** Deletions in one Bundle line. */
const ENTRIES_MAX = 1_000;

/**
 * Writes what the slice's members lost since: Bundles of type `transaction` whose entries are deletes
 * (payer-to-payer.md 3.3). Nothing but types and ids is in them.
 */
export async function writeDeletions(
  { deps, tenant, job, claim, signal }: SliceWork,
  writer: PartWriter,
): Promise<void> {
  const { since, until, transactionTime } = job;
  if (!since || !transactionTime) return;
  const db = deps.database.tenant(tenant.id);
  const rts = job.types.filter(isMemberType).map(rtOf);
  const changes = { jobId: job.id, slice: claim.slice, transactionTime, since, until };
  for (let after: { rt: number; id: string } | undefined; ; ) {
    signal.throwIfAborted();
    const deleted = await readDeletedOfSlice(db, changes, { rts, after, limit: ENTRIES_MAX });
    after = deleted.at(-1);
    if (!after) return;
    const entry = deleted.map(({ reference }) => ({ request: { method: 'DELETE', url: reference } }));
    await writer.write(Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })));
  }
}
