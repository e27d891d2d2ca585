import { recordAudit } from '#/audit/audit.ts';
import type { Disclosed } from './disclose-part.ts';
import { readFiles } from './export-store.ts';
import { auditKeyOf, readMembersNow } from './members-now.ts';
import { noteWithheld, readNotes } from './note-store.ts';
import type { PartWriter } from './part-writer.ts';
import { ERROR_POSITION } from './plan.ts';
import { writeProvenance } from './provenance-part.ts';
import { followReferences, writeShared } from './shared-resources.ts';
import { makeFindings } from './slice-findings.ts';
import { type SliceWork, writingPart } from './slice-work.ts';
import type { Note, PartResult } from './slices.ts';
import { completeJob, finishParts, readOpenParts } from './work-store.ts';

const NOTES_PAGE = 1_000;

/**
 * The last slice: shared resources that what left has named, then the error file, then the job is complete.
 *
 * @throws Superseded; the signal's reason
 */
export async function endExport(work: SliceWork): Promise<void> {
  const { deps, tenant, job, claim, signal } = work;
  const db = deps.database.tenant(tenant.id);
  await deps.files.prepare(tenant.id, job.id);
  // In the manifest Provenance stands before shared types; here it tells what they were.
  const open = await readOpenParts(db, claim);
  const parts = [...open.filter(isNoProvenance), ...open.filter((part) => !isNoProvenance(part))];
  const anyShared = parts.length > 0 && (await followReferences(work));
  const results: PartResult[] = [];
  const findings = makeFindings(job);
  const write = (type: string, writer: PartWriter): Promise<Disclosed> =>
    type === 'Provenance' && findings.sent
      ? writeProvenance(work, findings.sent, undefined, new Set(), writer)
      : writeShared(work, type, writer, (resource) => findings.see(resource));
  for (const part of parts) {
    signal.throwIfAborted();
    results.push(
      await writingPart(work, { type: part.type, kind: 'output' }, async (writer) => {
        const disclosed = anyShared ? await write(part.type, writer) : { notes: [], withheld: {} };
        return { ...part, notes: disclosed.notes, references: [], withheld: disclosed.withheld };
      }),
    );
  }
  const members = await readMembersNow(deps, tenant, job);
  const withheld = members.filter(({ kind }) => kind === 'withheld');
  // Whose consent ended after the last part was begun: what was written is kept back at the download.
  if (withheld.length > 0) await noteWithheld(db, job.id, withheld);
  const errors = await writingPart(work, { type: 'OperationOutcome', kind: 'error' }, async (writer) => {
    for await (const note of notesOf(work, results)) await writer.write(Buffer.from(note));
    return { type: 'OperationOutcome', position: ERROR_POSITION, notes: [], references: [], withheld: {} };
  });
  const written = [...results, errors].flatMap(({ files }) => files.map(({ name }) => name));
  await deps.files.sync(tenant.id, job.id, written);
  const files = await db.transaction(async (tx) => {
    const now = deps.clock.now();
    await finishParts(tx, claim, [...results, errors], now);
    const totals = await completeJob(tx, claim, now);
    await recordAudit(tx, {
      action: 'export.complete',
      outcome: 'success',
      client: job.client,
      organization: job.organization,
      memberKey: auditKeyOf(tenant, members),
      subject: job.id,
      facts: {
        group: job.groupId ?? null,
        files: totals.files,
        bytes: totals.sizeBytes,
        resources: totals.resourcesByType,
        withheld: totals.withheldByReason,
      },
    });
    return readFiles(tx, job.id);
  });
  // Left over by attempts that were killed. Only the attempt that completed the job comes here.
  const known = new Set(files.map(({ name }) => name));
  const left = (await deps.files.list(tenant.id, job.id)).filter((name) => !known.has(name));
  await deps.files.remove(tenant.id, job.id, left);
}

const isNoProvenance = ({ type }: { readonly type: string }): boolean => type !== 'Provenance';

/** The lines of the error file: those kept in rows, then those of the parts written just now. */
async function* notesOf({ deps, tenant, job }: SliceWork, results: readonly PartResult[]): AsyncGenerator<string> {
  const db = deps.database.tenant(tenant.id);
  for (let after: Note | undefined; ; ) {
    const page = await readNotes(db, job.id, after, NOTES_PAGE);
    for (const { outcome } of page) yield outcome;
    after = page.at(-1);
    if (!after) break;
  }
  for (const { notes } of results) yield* notes;
}
