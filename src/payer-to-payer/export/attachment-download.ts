import type { AccessContext } from '#/authorization/access.ts';
import { type DisclosureRequest, discloseLine } from '#/disclosure/disclose-line.ts';
import { supportingReferencesOf } from '#/disclosure/prior-authorization.ts';
import { rtOf } from '#/fhir/resource-types.ts';
import { readSharedLines } from '#/fhir/store/export-copy.ts';
import { memberKey } from '#/fhir/store/prepare.ts';
import { readCurrentByKey, readMemberResources } from '#/fhir/store/read-resources.ts';
import type { TenantDatabase } from '#/platform/db/database.ts';
import { isSensitive } from '#/sensitivity/categories.ts';
import { sensitiveBeyondLabels } from '#/sensitivity/labels-now.ts';
import { attachmentsOf, binaryIdOf, hasAttachments } from './attachments.ts';
import type { ExportDeps } from './export-deps.ts';
import { isGone } from './export-job.ts';
import { exportRefusal } from './export-refusals.ts';
import { readJob } from './export-store.ts';
import { isJobId } from './files.ts';
import { auditKeyOf, policiesOf, readMembersNow } from './members-now.ts';

type Json = Readonly<Record<string, unknown>>;

export interface AttachmentPlace {
  readonly jobId: string;
  readonly type: string;
  readonly id: string;
  readonly n: string;
}

export interface AttachmentContent {
  readonly contentType: string;
  readonly bytes: Buffer;
}

const CLAIMS_MAX = 20_000;
const MEDIA_TYPE = /^[a-z]+\/[a-zA-Z0-9.+-]{1,100}$/;

/**
 * The content of an attachment that an export left behind an address, as the document is now. The same questions are asked
 * as for its line: whose export, whose consent, may the document leave. The audit event is committed before the bytes go.
 *
 * @throws Refusal `file-unknown`, `file-suppressed`
 *
 * Source: payer-to-payer.md 3.4 (an attachment's address is reachable with the same token), 5.2.
 */
export async function openAttachment(
  deps: ExportDeps,
  access: AccessContext,
  { jobId, type, id, n }: AttachmentPlace,
): Promise<AttachmentContent> {
  const { tenant } = access;
  const db = deps.database.tenant(tenant.id);
  const job = isJobId(jobId) ? await readJob(db, jobId) : undefined;
  const isOurs = job?.client === access.client && job.state === 'complete' && !isGone(job, deps.clock.now());
  if (!job || !isOurs || !hasAttachments(type) || !job.types.includes(type)) throw exportRefusal('file-unknown');
  const [stored] = await readCurrentByKey(db, [{ rt: rtOf(type), id }]);
  if (!stored) throw exportRefusal('file-unknown');
  const { memberId } = stored;
  const members = await readMembersNow(deps, tenant, job, [{ mk: String(memberKey(tenant.id, memberId)), memberId }]);
  if (members.length === 0) throw exportRefusal('file-unknown');
  const consentPolicy = policiesOf(members).get(memberId);
  if (consentPolicy === undefined) throw exportRefusal('file-suppressed');
  const request: DisclosureRequest = {
    accessType: 'payer-to-payer',
    consentPolicy,
    now: job.createdAt,
    tenant: tenant.settings,
    isSensitiveToo: await sensitiveBeyondLabels(db, tenant, deps.clock.now()),
  };
  const resource = await mayLeave(db, stored, request);
  const attachment = resource && /^\d{1,3}$/.test(n) ? attachmentsOf(resource)[Number(n)] : undefined;
  const content = attachment && (await contentOf(deps, access, attachment, consentPolicy === 'regular'));
  if (!content) throw exportRefusal('file-unknown');
  await deps.audit.append(tenant.id, {
    action: 'export.file.read',
    outcome: 'success',
    client: access.client,
    organization: access.organization?.id,
    memberKey: auditKeyOf(tenant, members),
    subject: job.id,
    requestId: access.requestId,
    tokenId: access.tokenId,
    address: access.address,
    facts: { file: 'attachment', type, resources: 1, bytes: content.bytes.length, membersLeftOut: 0 },
  });
  return content;
}

/** The document as it leaves: by the policy, also where it leaves only because a prior authorization takes it along. */
async function mayLeave(
  db: TenantDatabase,
  stored: { readonly reference: string; readonly memberId: string; readonly content: string },
  request: DisclosureRequest,
): Promise<Json | undefined> {
  const line = Buffer.from(stored.content);
  let disclosed = discloseLine(line, request);
  if ('withheld' in disclosed && disclosed.withheld === 'window') {
    const claims = await readMemberResources(db, stored.memberId, rtOf('ExplanationOfBenefit'), CLAIMS_MAX);
    const supporting = claims.flatMap(({ content }) => {
      if (!content.includes('"use":"preauthorization"')) return [];
      const authorization = discloseLine(Buffer.from(content), request);
      return 'line' in authorization ? supportingReferencesOf(authorization.resource) : [];
    });
    disclosed = discloseLine(line, { ...request, supporting: new Set(supporting) });
  }
  return 'line' in disclosed ? (JSON.parse(disclosed.line.toString('utf8')) as Json) : undefined;
}

async function contentOf(
  deps: ExportDeps,
  { tenant }: AccessContext,
  attachment: Json,
  keepsSensitive: boolean,
): Promise<AttachmentContent | undefined> {
  if (typeof attachment.data === 'string') return decoded(attachment.contentType, attachment.data);
  const id = binaryIdOf(attachment.url, [deps.tenants.fhirBase(tenant), deps.tenants.bulkBase(tenant)]);
  if (id === undefined) return undefined;
  const db = deps.database.tenant(tenant.id);
  const now = deps.clock.now();
  const [line] = await readSharedLines(db, { rt: rtOf('Binary'), ids: [id], transactionTime: now });
  const binary = line && (JSON.parse(line.toString('utf8')) as Json);
  if (!binary || typeof binary.data !== 'string' || (keepsSensitive && isSensitive(binary))) return undefined;
  return decoded(binary.contentType, binary.data);
}

function decoded(contentType: unknown, base64: string): AttachmentContent {
  const isKnown = typeof contentType === 'string' && MEDIA_TYPE.test(contentType);
  return { contentType: isKnown ? contentType : 'application/octet-stream', bytes: Buffer.from(base64, 'base64') };
}
