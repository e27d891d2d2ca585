import { Readable } from 'node:stream';
import type { AccessContext } from '#/authorization/access.ts';
import type { GroupMemberNow } from '../groups/groups.ts';
import type { ExportDeps } from './export-deps.ts';
import { isGone } from './export-job.ts';
import { exportRefusal } from './export-refusals.ts';
import { type OwnedFile, readOwnedFile } from './export-store.ts';
import { isFileName } from './files.ts';
import { auditKeyOf, covers, policiesOf, readMembersNow } from './members-now.ts';
import { LAST_SLICE, type PlannedMember } from './slices.ts';
import { withoutMembers } from './without-members.ts';
import { readSliceMembers } from './work-store.ts';

/** Bytes on their way to the client. The audit event is committed before they are handed out. */
export interface Download {
  readonly content: Readable;
  /** Absent when lines are left out on the way. */
  readonly sizeBytes: number | undefined;
}

/** A file that this client may have now, and whose lines of it stay behind. */
export interface FoundDownload {
  readonly owned: OwnedFile;
  /** Those whom the file is about, as their consents stand now. */
  readonly members: readonly GroupMemberNow[];
  readonly revoked: ReadonlySet<string>;
  /** Absent when lines are left out on the way. */
  readonly sizeBytes: number | undefined;
}

/**
 * Finds a file of an export for the client that asked for it.
 *
 * Consent counts at each download too (ROW-20). A file of members of whom none may leave any more is refused; where some
 * may, the lines of the others are left out on the way, so that nobody waits for somebody else's consent. What belongs to
 * no member (organizations, practitioners, deletions) goes as long as one member of the export may leave; the error file
 * holds no member's data and always goes.
 *
 * @throws Refusal `file-unknown`, `file-suppressed`
 */
export async function findDownload(deps: ExportDeps, access: AccessContext, name: string): Promise<FoundDownload> {
  const db = deps.database.tenant(access.tenant.id);
  const owned = isFileName(name) ? await readOwnedFile(db, name) : undefined;
  if (
    !owned ||
    owned.job.client !== access.client ||
    owned.job.state !== 'complete' ||
    isGone(owned.job, deps.clock.now())
  )
    throw exportRefusal('file-unknown');
  const { slice, job } = owned;
  const written = slice === LAST_SLICE ? undefined : await readSliceMembers(db, job.id, slice);
  const members = await readMembersNow(deps, access.tenant, job, written);
  const revoked = revokedMembers(owned, written, members);
  return { owned, members, revoked, sizeBytes: revoked.size === 0 ? owned.file.sizeBytes : undefined };
}

/**
 * Opens a file as `findDownload` finds it.
 *
 * @throws Refusal `file-unknown`, `file-suppressed`
 */
export async function openDownload(deps: ExportDeps, access: AccessContext, name: string): Promise<Download> {
  const { owned, members, revoked, sizeBytes } = await findDownload(deps, access, name);
  const { job } = owned;
  const content = await deps.files.open({ tenantId: access.tenant.id, jobId: job.id, name }).catch(async (error) => {
    // Deleted in this very moment: then it is unknown by now, and no failure.
    await findDownload(deps, access, name);
    throw error;
  });
  try {
    await deps.audit.append(access.tenant.id, {
      action: 'export.file.read',
      outcome: 'success',
      client: access.client,
      organization: access.organization?.id,
      memberKey: auditKeyOf(access.tenant, members),
      subject: job.id,
      requestId: access.requestId,
      tokenId: access.tokenId,
      address: access.address,
      facts: {
        file: name,
        type: owned.file.type,
        resources: owned.file.resources,
        bytes: owned.file.sizeBytes,
        membersLeftOut: revoked.size,
      },
    });
  } catch (error) {
    content.destroy();
    throw error;
  }
  return {
    content: revoked.size === 0 ? content : Readable.from(withoutMembers(content, revoked), { objectMode: false }),
    sizeBytes,
  };
}

/**
 * The members whose lines have to be left out of this file.
 *
 * @param written the members of the file's slice; undefined for what belongs to no member
 * @param members those of them, or of the whole group, as their consents stand now
 */
function revokedMembers(
  { file, policy }: OwnedFile,
  written: readonly PlannedMember[] | undefined,
  members: readonly GroupMemberNow[],
): ReadonlySet<string> {
  if (file.kind === 'error') return new Set();
  const policies = policiesOf(members);
  const revoked = written?.map(({ memberId }) => memberId).filter((id) => !covers(policies.get(id), policy)) ?? [];
  if (written ? revoked.length === written.length : policies.size === 0) throw exportRefusal('file-suppressed');
  // Deletions are types and ids; nobody's data is in them.
  return new Set(file.kind === 'deleted' ? [] : revoked);
}
