import { supportingReferencesOf } from '#/disclosure/prior-authorization.ts';
import type { ExportJob } from './export-job.ts';
import { MEMBER_TYPES } from './exportable-types.ts';
import { SentResources } from './sent-resources.ts';

/** What the parts of a slice find in what they write, for those that come after them. */
export interface SliceFindings {
  /** What was sent; undefined when the export holds no Provenance. */
  readonly sent: SentResources | undefined;
  /** Supporting documents of prior authorizations that left, as `Type/id`: they go along, whatever their date. */
  readonly supporting: ReadonlySet<string>;
  /** Told of each resource that leaves. */
  see(resource: Readonly<Record<string, unknown>>): void;
}

export function makeFindings(job: Pick<ExportJob, 'types'>): SliceFindings {
  const sent = job.types.includes('Provenance') ? new SentResources() : undefined;
  const supporting = new Set<string>();
  return {
    sent,
    supporting,
    see(resource) {
      sent?.add(resource);
      for (const reference of supportingReferencesOf(resource)) supporting.add(reference);
    },
  };
}

/**
 * The finished parts of a slice that have to be read once more, in their order, when an attempt after a crash goes on
 * behind them: what they found was in the memory of the process that died.
 */
export function partsToReadAgain(job: Pick<ExportJob, 'types'>, openTypes: readonly string[]): readonly string[] {
  const finished = MEMBER_TYPES.filter((type) => job.types.includes(type) && !openTypes.includes(type));
  if (openTypes.length === 0 || finished.length === 0) return [];
  if (openTypes.includes('Provenance')) return finished;
  return finished.filter((type) => type === 'ExplanationOfBenefit');
}
