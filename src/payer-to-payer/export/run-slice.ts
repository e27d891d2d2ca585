import { rtOf } from '#/fhir/resource-types.ts';
import { readChangedSharedOfSlice, readTypesOfSlice } from '#/fhir/store/export-changes.ts';
import { copySlice, dropSlices, putSlices } from '#/fhir/store/export-copy.ts';
import type { TenantConnection } from '#/platform/db/database.ts';
import { makeCheckpoint } from './checkpoint.ts';
import { copyLines } from './copy-lines.ts';
import { writeDeletions } from './deletions.ts';
import { type Disclosed, disclosePart } from './disclose-part.ts';
import { disclosureRequest } from './disclosure-request.ts';
import { isMemberType, isSharedType } from './exportable-types.ts';
import { covers, policiesOf, readMembersNow } from './members-now.ts';
import { insertNotes } from './note-store.ts';
import { withheldMemberNote } from './notes.ts';
import type { PartWriter } from './part-writer.ts';
import { DELETIONS, SLICE_MEMBERS_MIN } from './plan.ts';
import { type SliceWork, writingPart } from './slice-work.ts';
import type { PartResult, PlannedMember, PlannedPart } from './slices.ts';
import { readOpenParts, readSliceMembers } from './work-store.ts';

/**
 * Writes what is missing of one slice: each resource type is a part with files of its own, recorded when they are
 * complete. A finished part is never opened again.
 *
 * @returns true when no other slice of members is left to do
 * @throws Superseded when a later attempt has begun or the job was deleted; the signal's reason when it is aborted
 */
export async function runSlice(work: SliceWork): Promise<boolean> {
  const { deps, tenant, job, claim, signal } = work;
  const db = deps.database.tenant(tenant.id);
  const parts = await readOpenParts(db, claim);
  const members = parts.length > 0 ? await requireMembers(work) : [];
  await deps.files.prepare(tenant.id, job.id);
  return db.connection(async (connection) => {
    const checkpoint = makeCheckpoint(work);
    if (members.length > 0) await putSlices(connection, job.id, [{ slice: claim.slice, members }]);
    const present = await presentTypes(work, members, connection);
    for (const part of parts) {
      signal.throwIfAborted();
      await checkpoint.add(present(part.type) ? await writePart(work, part, connection) : nothingOf(part));
    }
    if (members.length > 0) await dropSlices(connection, job.id, [claim.slice]);
    return checkpoint.end();
  });
}

/** The members of the slice whose consent is valid at this moment; the others get a line in the error file (P2P-41). */
async function requireMembers({ deps, tenant, job, claim }: SliceWork): Promise<readonly PlannedMember[]> {
  const db = deps.database.tenant(tenant.id);
  const planned = await readSliceMembers(db, job.id, claim.slice);
  const policies = policiesOf(await readMembersNow(deps, tenant, job, planned));
  const left = planned.filter(({ memberId }) => !covers(policies.get(memberId), claim.policy));
  if (left.length > 0) {
    const notes = left.map(({ memberId }) => withheldMemberNote(claim.slice, memberId));
    await db.transaction((tx) => insertNotes(tx, job.id, notes));
  }
  return planned.filter(({ memberId }) => covers(policies.get(memberId), claim.policy));
}

/**
 * Which parts can have content. For few members one look at the index saves a COPY for each type they do not have (75
 * against 45 ms for one member with 5 of 22 types); for many it would read more than it saves.
 */
async function presentTypes(
  { job, claim }: SliceWork,
  members: readonly PlannedMember[],
  connection: TenantConnection,
): Promise<(type: string) => boolean> {
  if (members.length === 0) return () => false;
  if (members.length > SLICE_MEMBERS_MIN) return () => true;
  const present = await readTypesOfSlice(connection, { jobId: job.id, slice: claim.slice });
  return (type) => type === DELETIONS || present.has(rtOf(type));
}

type OpenPart = Omit<PlannedPart, 'slice'>;

const nothingOf = (part: OpenPart): PartResult => ({ ...part, files: [], notes: [], references: [], withheld: {} });

async function writePart(work: SliceWork, part: OpenPart, connection: TenantConnection): Promise<PartResult> {
  if (part.type === DELETIONS)
    return writingPart(work, { type: part.type, kind: 'deleted' }, async (writer) => {
      await writeDeletions(work, writer);
      return nothingOf(part);
    });
  return writingPart(work, { type: part.type, kind: 'output' }, async (writer) => {
    const { notes, references, withheld } = await discloseType(work, part.type, connection, work.job.since, writer);
    const all = new Set([...references, ...(await unchangedReferences(work, part.type, connection, references))]);
    return { ...nothingOf(part), notes, references: [...all], withheld };
  });
}

async function discloseType(
  { deps, job, claim, tenant, signal }: SliceWork,
  type: string,
  connection: TenantConnection,
  since: Date | undefined,
  writer: PartWriter | undefined,
): Promise<Disclosed> {
  const copy = { jobId: job.id, slice: claim.slice, rt: rtOf(type), transactionTime: job.transactionTime!, since };
  const request = disclosureRequest(tenant, job, claim.policy);
  const lines = copyLines(deps.database, connection, (free) => copySlice(free, copy));
  return disclosePart(lines, { type, request, wantsReferences: job.types.some(isSharedType), signal }, writer);
}

/**
 * With `_since`, a shared resource that changed must come along also when what names it did not change. Only where there
 * is such a resource are the unchanged lines read, and then for their references alone.
 */
async function unchangedReferences(
  work: SliceWork,
  type: string,
  connection: TenantConnection,
  known: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const { job, claim } = work;
  const rts = job.types.filter(isSharedType).map(rtOf);
  if (!job.since || rts.length === 0 || !isMemberType(type)) return new Set();
  const changes = { jobId: job.id, slice: claim.slice, transactionTime: job.transactionTime!, since: job.since };
  const changed = await readChangedSharedOfSlice(connection, changes, rts);
  if (changed.every((reference) => known.has(reference))) return new Set();
  return (await discloseType(work, type, connection, undefined, undefined)).references;
}
