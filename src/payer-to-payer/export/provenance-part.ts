import type { DisclosureRequest } from '#/disclosure/disclose-line.ts';
import type { WithheldReason } from '#/disclosure/withheld-reason.ts';
import { rtOf } from '#/fhir/resource-types.ts';
import { readCurrentByKey } from '#/fhir/store/read-resources.ts';
import { type Disclosed, disclosedOf, disclosePart } from './disclose-part.ts';
import { disclosureRequest } from './disclosure-request.ts';
import { isMemberType, isSharedType } from './exportable-types.ts';
import { selectionOf } from './line-selection.ts';
import { linesOf } from './lines.ts';
import type { PartWriter } from './part-writer.ts';
import { latestOf } from './provenance-latest.ts';
import { targetsOf, withTargets } from './provenance-received.ts';
import { transmitterProvenance } from './provenance-transmitter.ts';
import { type SentResources, SHARED_CHAIN } from './sent-resources.ts';
import type { SliceWork } from './slice-work.ts';

const NEWLINE = '\n';

const NO_TARGET: WithheldReason = 'target';

/**
 * Writes the Provenance of one slice: what was received about resources that may leave, then our own record of what was
 * sent just now (P2P-66, P2P-67).
 *
 * @param received reads the stored Provenance of the slice's members; undefined for the slice of shared resources
 * @param members the ids of the slice's Patients
 */
export async function writeProvenance(
  work: SliceWork,
  sent: SentResources,
  received: (() => AsyncIterable<Buffer>) | undefined,
  members: ReadonlySet<string>,
  writer: PartWriter,
): Promise<Disclosed> {
  const request = disclosureRequest(work);
  const type = 'Provenance';
  const wantsReferences = work.job.types.some(isSharedType);
  const part = { type, request, wantsReferences, select: selectionOf(work, type), signal: work.signal };
  const narrowing = { withheld: 0 };
  const isLatest =
    received && work.job.narrowing.associatedData === 'LatestProvenanceResources'
      ? await latestOf(received(), sent, part)
      : () => true;
  const passedOn = received && narrowed(work, sent, received(), members, request, isLatest, narrowing);
  const disclosed = passedOn ? await disclosePart(passedOn, part, writer) : undefined;
  const own = await disclosePart(ownLines(work, sent, members), { ...part, wantsReferences: false }, writer);
  return {
    notes: [...(disclosed?.notes ?? []), ...own.notes],
    references: disclosed?.references ?? new Set(),
    withheld: {
      ...disclosed?.withheld,
      ...(narrowing.withheld > 0 ? { [NO_TARGET]: narrowing.withheld } : {}),
    },
  };
}

/** Nothing more is said about a member who may not leave any longer, nor of what was sent before. */
async function* ownLines(
  { tenant, job }: SliceWork,
  sent: SentResources,
  members: ReadonlySet<string>,
): AsyncGenerator<Buffer> {
  for (const [chain, references] of sent.chains()) {
    if (chain !== SHARED_CHAIN && !members.has(chain)) continue;
    for (const provenance of transmitterProvenance(tenant, job, chain, references))
      yield Buffer.from(JSON.stringify(provenance) + NEWLINE);
  }
}

/** Received lines without the targets that stay behind, a block at a time. */
async function* narrowed(
  work: SliceWork,
  sent: SentResources,
  received: AsyncIterable<Buffer>,
  members: ReadonlySet<string>,
  request: DisclosureRequest,
  isWanted: (provenance: Readonly<Record<string, unknown>>) => boolean,
  counted: { withheld: number },
): AsyncGenerator<Buffer> {
  for await (const lines of linesOf(received)) {
    const parsed = lines
      .map((line) => {
        const text = line.toString('utf8');
        return { text, provenance: parsedOf(text) };
      })
      .filter(({ provenance }) => !provenance || isWanted(provenance));
    const unsent = parsed
      .flatMap(({ provenance }) => (provenance ? targetsOf(provenance) : []))
      .filter((target) => !sent.has(target));
    const known = await mayBeKnown(work, unsent, members, request);
    const kept = parsed.flatMap(({ text, provenance }) => {
      if (!provenance) return text;
      const line = withTargets(text, provenance, (target) => sent.has(target) || known.has(target));
      if (line === undefined) counted.withheld++;
      return line ?? [];
    });
    if (kept.length > 0) yield Buffer.from(kept.join(NEWLINE) + NEWLINE);
  }
}

/** Undefined for a damaged row: it is passed on, and told of where lines are disclosed. */
function parsedOf(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/**
 * Which of these targets the requester may have, although this export does not send them: unchanged in the time asked about, or of a
 * type that was not asked for. What was asked for and not sent stays behind.
 */
async function mayBeKnown(
  { deps, tenant, job }: SliceWork,
  unsent: readonly string[],
  members: ReadonlySet<string>,
  request: DisclosureRequest,
): Promise<ReadonlySet<string>> {
  const asked = unsent.filter((reference) => {
    const type = reference.slice(0, reference.indexOf('/'));
    return isMemberType(type) && (job.since !== undefined || job.until !== undefined || !job.types.includes(type));
  });
  if (asked.length === 0) return new Set();
  const keys = [...new Set(asked)].map((reference) => {
    const [type = '', id = ''] = reference.split('/');
    return { rt: rtOf(type), id };
  });
  const current = await readCurrentByKey(deps.database.tenant(tenant.id), keys);
  return new Set(
    current
      .filter(({ memberId, content }) => members.has(memberId) && 'line' in disclosedOf(Buffer.from(content), request))
      .map(({ reference }) => reference),
  );
}
