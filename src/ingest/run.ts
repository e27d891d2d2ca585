import type { BatchCounts } from './batch.ts';
import type { FeedReport } from './feed.ts';

/** Where a run goes on: at `offset` of a file, behind the first `skip` items of the unit that begins there. */
export interface FeedPosition {
  readonly file: number;
  readonly offset: number;
  readonly skip: number;
  /** Lines of the file before `offset`. */
  readonly line: number;
}

/** What a run did so far. */
export interface FeedCounts extends BatchCounts {
  refusedByReason: Record<string, number>;
  vanished: number;
  bytes: number;
  /** Spent by all attempts. */
  seconds: number;
  /** Was anything FHIR at all? */
  isFhir: boolean;
}

/** A run as its row in the database tells it. */
export interface FeedRun {
  readonly id: string;
  readonly attempt: number;
  readonly isResumed: boolean;
  readonly position: FeedPosition;
  readonly counts: FeedCounts;
  readonly refusedFile: string;
  readonly refusedBytes: number;
}

export const START: FeedPosition = { file: 0, offset: 0, skip: 0, line: 0 };

export function noCounts(): FeedCounts {
  return {
    stored: 0,
    unchanged: 0,
    deleted: 0,
    refused: 0,
    superseded: 0,
    refusedByReason: {},
    vanished: 0,
    bytes: 0,
    seconds: 0,
    isFhir: false,
  };
}

export const readOf = (counts: BatchCounts): number =>
  counts.stored + counts.unchanged + counts.deleted + counts.refused;

/** The counts after a batch; the ones before stay as they are, in case it is not committed. */
export function withBatch(
  counts: FeedCounts,
  batch: BatchCounts,
  reasons: readonly string[],
  more: { bytes: number; seconds: number; isFhir: boolean },
): FeedCounts {
  const refusedByReason = { ...counts.refusedByReason };
  for (const reason of reasons) refusedByReason[reason] = (refusedByReason[reason] ?? 0) + 1;
  return {
    ...counts,
    stored: counts.stored + batch.stored,
    unchanged: counts.unchanged + batch.unchanged,
    deleted: counts.deleted + batch.deleted,
    refused: counts.refused + batch.refused,
    superseded: counts.superseded + batch.superseded,
    refusedByReason,
    isFhir: counts.isFhir || more.isFhir,
    bytes: more.bytes,
    seconds: more.seconds,
  };
}

export function reportOf(
  counts: FeedCounts,
  about: Pick<FeedReport, 'tenant' | 'run' | 'dry_run' | 'resumed' | 'files' | 'skipped'> & {
    refusedFile: string | null;
    notMatchable: number;
  },
): FeedReport {
  return {
    tenant: about.tenant,
    run: about.run,
    dry_run: about.dry_run,
    resumed: about.resumed,
    read: readOf(counts),
    stored: counts.stored,
    unchanged: counts.unchanged,
    deleted: counts.deleted,
    refused: counts.refused,
    refused_by_reason: counts.refusedByReason,
    refused_file: about.refusedFile,
    superseded: counts.superseded,
    vanished: counts.vanished,
    files: about.files,
    skipped: about.skipped.slice(0, SKIPPED_NAMED_MAX),
    bytes: counts.bytes,
    seconds: Math.round(counts.seconds * 1000) / 1000,
    not_matchable: about.notMatchable,
  };
}

/** Files named in a report's `skipped`. */
const SKIPPED_NAMED_MAX = 100;
