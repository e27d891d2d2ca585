import { rtOf } from '#/fhir/resource-types.ts';
import { readSharedLines } from '#/fhir/store/export-copy.ts';
import { type Disclosed, disclosePart } from './disclose-part.ts';
import { disclosureRequest } from './disclosure-request.ts';
import type { ExportJob } from './export-job.ts';
import { isSharedType } from './exportable-types.ts';
import { selectionOf } from './line-selection.ts';
import type { PartWriter } from './part-writer.ts';
import { hasReferences, insertReferences, readReferences } from './reference-store.ts';
import type { SliceWork } from './slice-work.ts';
import { requireClaim } from './work-store.ts';

/** Rows read at a time: a plan's directory may be long. */
const PAGE_ROWS = 500;
/** Chains of Organization.partOf and the like that are longer are a mistake in the data. */
const REFERENCE_DEPTH_MAX = 10;
const NEWLINE = Buffer.from('\n');

/**
 * Finds what the shared resources that were named name in turn (a clinic its hospital), as far as the export may hold
 * it. What is found is kept in rows, so a second attempt finds the same again and adds nothing twice.
 *
 * @returns false when nothing that left names a shared resource
 */
export async function followReferences(work: SliceWork): Promise<boolean> {
  const db = work.deps.database.tenant(work.tenant.id);
  if (!(await hasReferences(db, work.job.id))) return false;
  const types = work.job.types.filter(isSharedType);
  for (let depth = 0; depth < REFERENCE_DEPTH_MAX; depth++) {
    const found = new Set<string>();
    for (const type of types) {
      const { references } = await disclosePart(
        sharedLines(work, type, { depth, since: undefined, until: undefined }),
        {
          type,
          request: disclosureRequest(work),
          wantsReferences: true,
          select: selectionOf(work, type),
          signal: work.signal,
        },
        undefined,
      );
      for (const reference of references)
        if (types.includes(reference.slice(0, reference.indexOf('/')))) found.add(reference);
    }
    if (found.size === 0) return true;
    await db.transaction(async (tx) => {
      await requireClaim(tx, work.claim);
      await insertReferences(tx, work.job.id, found, depth + 1);
    });
  }
  return true;
}

/**
 * Writes the shared resources of one type that were named; with `since`, those that changed after it.
 *
 * @param sees told of each that leaves
 */
export function writeShared(
  work: SliceWork,
  type: string,
  writer: PartWriter,
  sees?: (resource: Readonly<Record<string, unknown>>) => void,
): Promise<Disclosed> {
  const request = disclosureRequest(work);
  return disclosePart(
    sharedLines(work, type, { depth: undefined, since: work.job.since, until: work.job.until }),
    { type, request, wantsReferences: false, select: selectionOf(work, type), signal: work.signal, sees },
    writer,
  );
}

/** The named shared resources of one type as lines, in the order of their ids, page by page. */
async function* sharedLines(
  { deps, tenant, job }: SliceWork,
  type: string,
  { depth, since, until }: { readonly depth: number | undefined } & Pick<ExportJob, 'since' | 'until'>,
): AsyncGenerator<Buffer> {
  const db = deps.database.tenant(tenant.id);
  for (let after = ''; ; ) {
    const ids = await readReferences(db, job.id, { type, after, limit: PAGE_ROWS, depth });
    if (ids.length === 0) return;
    const transactionTime = job.transactionTime!;
    const lines = await readSharedLines(db, { rt: rtOf(type), ids, transactionTime, since, until });
    if (lines.length > 0) yield Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
    after = ids.at(-1)!;
  }
}
