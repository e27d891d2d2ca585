import { rtOf } from '#/fhir/resource-types.ts';
import { readChangedSharedOfSlice, readTypesOfSlice } from '#/fhir/store/export-changes.ts';
import { copySlice, dropSlices, putSlices } from '#/fhir/store/export-copy.ts';
import type { TenantConnection } from '#/platform/db/database.ts';
import { hasAttachments, withLinks } from './attachments.ts';
import { makeCheckpoint } from './checkpoint.ts';
import { copyLines } from './copy-lines.ts';
import { writeDeletions } from './deletions.ts';
import { type Disclosed, disclosePart } from './disclose-part.ts';
import { disclosureRequest } from './disclosure-request.ts';
import type { ExportJob } from './export-job.ts';
import { isMemberType, isSharedType } from './exportable-types.ts';
import { selectionOf } from './line-selection.ts';
import { covers, policiesOf, readMembersNow } from './members-now.ts';
import { noteWithheld } from './note-store.ts';
import type { PartWriter } from './part-writer.ts';
import { DELETIONS, SLICE_MEMBERS_MIN } from './plan.ts';
import { writeProvenance } from './provenance-part.ts';
import { makeFindings, partsToReadAgain, type SliceFindings } from './slice-findings.ts';
import { type SliceWork, writingPart } from './slice-work.ts';
import type { PartResult, PlannedMember, PlannedPart } from './slices.ts';
import { attachmentUrl } from './status-document.ts';
import { readOpenParts, readSliceMembers } from './work-store.ts';

/**
 * How old a look at the consents may be when the next part begins: an export of a few members, done in a fraction of this, looks
 * once; in a long one the later parts of a member whose consent has ended stay out (ROW-20).
 */
const CONSENT_AGE_MS = 500;

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
  const planned = parts.length > 0 ? await readSliceMembers(db, job.id, claim.slice) : [];
  const members = await stillSharing(work, planned);
  await deps.files.prepare(tenant.id, job.id);
  return db.connection(async (connection) => {
    const checkpoint = makeCheckpoint(work);
    if (members.length > 0) await putSlices(connection, job.id, [{ slice: claim.slice, members }]);
    const present = await presentTypes(work, members, connection);
    const slice: OpenSlice = { work, connection, members, findings: makeFindings(job) };
    let lookedAt = performance.now();
    for (const type of partsToReadAgain(
      job,
      parts.map((part) => part.type),
    ))
      if (present(type)) await discloseType(slice, type, job, undefined);
    for (const part of parts) {
      signal.throwIfAborted();
      if (performance.now() - lookedAt >= CONSENT_AGE_MS) {
        await leaveOutWithdrawn(slice);
        lookedAt = performance.now();
      }
      await checkpoint.add(await writePart(slice, part, slice.members.length > 0 && present(part.type)));
    }
    if (members.length > 0) await dropSlices(connection, job.id, [claim.slice]);
    return checkpoint.end();
  });
}

/** Those of the members whose consent is valid at this moment; the others get a line in the error file (P2P-41). */
async function stillSharing(
  { deps, tenant, job, claim }: SliceWork,
  members: readonly PlannedMember[],
): Promise<readonly PlannedMember[]> {
  if (members.length === 0) return members;
  const policies = policiesOf(await readMembersNow(deps, tenant, job, members));
  const left = members.filter(({ memberId }) => !covers(policies.get(memberId), claim.policy));
  if (left.length === 0) return members;
  await noteWithheld(deps.database.tenant(tenant.id), job.id, left);
  return members.filter(({ memberId }) => covers(policies.get(memberId), claim.policy));
}

/** From the next part on nothing of a member is read whose consent has ended since the slice was begun. */
async function leaveOutWithdrawn(slice: OpenSlice): Promise<void> {
  const { work, connection } = slice;
  const members = await stillSharing(work, slice.members);
  if (members.length === slice.members.length) return;
  slice.members = members;
  await putSlices(connection, work.job.id, [{ slice: work.claim.slice, members }]);
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

type PartSees = (resource: Readonly<Record<string, unknown>>) => void;
type OpenPart = Omit<PlannedPart, 'slice'>;

/** A slice while its parts are written, on the connection that knows its members. */
interface OpenSlice {
  readonly work: SliceWork;
  readonly connection: TenantConnection;
  /** Those who may still leave. */
  members: readonly PlannedMember[];
  readonly findings: SliceFindings;
}

const nothingOf = (part: OpenPart): PartResult => ({ ...part, files: [], notes: [], references: [], withheld: {} });

/** @param isPresent whether the members have stored resources of the type */
async function writePart(slice: OpenSlice, part: OpenPart, isPresent: boolean): Promise<PartResult> {
  const { work, findings } = slice;
  if (part.type === 'Provenance' && findings.sent) {
    const { sent } = findings;
    const received = isPresent ? () => linesOfType(slice, part.type, work.job) : undefined;
    const members = new Set(slice.members.map(({ memberId }) => memberId));
    return writingPart(work, { type: part.type, kind: 'output' }, async (writer) =>
      resultOf(part, await writeProvenance(work, sent, received, members, writer)),
    );
  }
  if (!isPresent) return nothingOf(part);
  if (part.type === DELETIONS)
    return writingPart(work, { type: part.type, kind: 'deleted' }, async (writer) => {
      await writeDeletions(work, writer);
      return nothingOf(part);
    });
  return writingPart(work, { type: part.type, kind: 'output' }, async (writer) => {
    const disclosed = await discloseType(slice, part.type, work.job, writer);
    const unchanged = await unchangedReferences(slice, part.type, disclosed.references);
    return resultOf(part, { ...disclosed, references: new Set([...disclosed.references, ...unchanged]) });
  });
}

const resultOf = (part: OpenPart, { notes, references, withheld }: Disclosed): PartResult => ({
  ...nothingOf(part),
  notes,
  references: [...references],
  withheld,
});

type ChangedWithin = Pick<ExportJob, 'since' | 'until'>;

function linesOfType(
  { work, connection }: OpenSlice,
  type: string,
  { since, until }: ChangedWithin,
): AsyncGenerator<Buffer> {
  const { deps, job, claim } = work;
  const transactionTime = job.transactionTime!;
  const copy = { jobId: job.id, slice: claim.slice, rt: rtOf(type), transactionTime, since, until };
  return copyLines(deps.database, connection, (free) => copySlice(free, copy));
}

/** Without a writer the lines are only looked at, for what they name. */
async function discloseType(
  slice: OpenSlice,
  type: string,
  changed: ChangedWithin,
  writer: PartWriter | undefined,
  sees: PartSees = (resource) => slice.findings.see(resource),
): Promise<Disclosed> {
  const { job, signal } = slice.work;
  const request = { ...disclosureRequest(slice.work), supporting: slice.findings.supporting };
  const wantsReferences = job.types.some(isSharedType);
  const select = selectionOf(slice.work, type);
  const part = { type, request, wantsReferences, select, link: linksOf(slice.work, type), signal, sees };
  return disclosePart(linesOfType(slice, type, changed), part, writer);
}

/** Large documents travel by address (3.4): the line is made before they are looked for, so that `_elements` hold. */
function linksOf({ deps, tenant, job }: SliceWork, type: string): ((line: Buffer) => Buffer) | undefined {
  if (!hasAttachments(type)) return undefined;
  const bulkBase = deps.tenants.bulkBase(tenant);
  const bases = [deps.tenants.fhirBase(tenant), bulkBase];
  return (line) => withLinks(line, bases, (reference, n) => attachmentUrl(bulkBase, job.id, reference, n));
}

/**
 * With `_since` or `_until`, a shared resource that changed in that time must come along also when what names it did
 * not. Only where there is such a resource are the unchanged lines read, and then for their references alone.
 */
async function unchangedReferences(
  slice: OpenSlice,
  type: string,
  known: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const { job, claim } = slice.work;
  const rts = job.types.filter(isSharedType).map(rtOf);
  if ((!job.since && !job.until) || rts.length === 0 || !isMemberType(type)) return new Set();
  const since = job.since ?? new Date(0);
  const changes = { jobId: job.id, slice: claim.slice, transactionTime: job.transactionTime!, since };
  const changed = await readChangedSharedOfSlice(slice.connection, changes, rts);
  if (changed.every((reference) => known.has(reference))) return new Set();
  const always = { since: undefined, until: undefined };
  return (await discloseType(slice, type, always, undefined, () => undefined)).references;
}
