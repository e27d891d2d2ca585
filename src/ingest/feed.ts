import { Refusal } from '#/platform/refusal.ts';

/** Where a feed's resources come from. */
export type FeedSource =
  /** A file, or a folder with all its FHIR files. */
  | { readonly kind: 'path'; readonly path: string }
  /** The manifest of a bulk export. The token goes to the manifest's own origin and nowhere else. */
  | { readonly kind: 'manifest'; readonly url: string; readonly token: string | undefined }
  /** NDJSON made in memory: each buffer holds whole lines. Such a feed always starts from its beginning. */
  | { readonly kind: 'lines'; readonly name: string; readonly lines: AsyncIterable<Buffer> };

export interface FeedOptions {
  /** Says what would happen and writes nothing. */
  readonly dryRun?: boolean;
  /** Gives up when more are refused. */
  readonly maxRefused?: RefusedLimit | undefined;
  /** The feed is everything there is: what it does not hold is deleted. */
  readonly fullSnapshot?: boolean;
  /** Deletes also when a full snapshot would delete more than a twentieth. */
  readonly confirmDeletions?: boolean;
  /** Where refused lines go. Default: a file of the run's own under `{DATA_DIR}/feeds`. */
  readonly refusedFile?: string | undefined;
  /** Threads that read and check resources. Default: one for each core. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type RefusedLimit = { readonly count: number } | { readonly percent: number };

/** How far it is. `bytesTotal` is unknown for what comes over the network or from memory. */
export interface FeedProgress {
  readonly phase: 'reading' | 'waiting' | 'deleting' | 'done';
  readonly bytes: number;
  readonly bytesTotal: number | undefined;
  readonly read: number;
  readonly refused: number;
  readonly seconds: number;
}

/** The report of `feed load --json`: `read` = `stored` + `unchanged` + `deleted` + `refused` (product.md). */
export interface FeedReport {
  readonly tenant: string;
  /** Of the run, as the audit record names it. */
  readonly run: string;
  readonly dry_run: boolean;
  /** Was a broken run of the same feed taken up? Counts include what it had done. */
  readonly resumed: boolean;
  readonly read: number;
  readonly stored: number;
  readonly unchanged: number;
  readonly deleted: number;
  readonly refused: number;
  readonly refused_by_reason: Readonly<Record<string, number>>;
  readonly refused_file: string | null;
  /** Resources whose id came again in the feed, with other content, soon after: the later one is what is kept. */
  readonly superseded: number;
  /** Of a full snapshot: resources that were not in it and were deleted. They were not read. */
  readonly vanished: number;
  readonly files: number;
  /** Files that hold no FHIR, at most 100 of them named. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  readonly bytes: number;
  readonly seconds: number;
  readonly not_matchable: number;
}

/** Every way a feed can be refused as a whole. */
export type FeedRefusalCode =
  | 'unreadable'
  | 'nothing-to-read'
  | 'no-fhir'
  | 'archive-broken'
  | 'too-many-files'
  | 'manifest-refused'
  | 'download-failed'
  | 'feed-running'
  | 'limit-passed'
  | 'too-many-deletions'
  | 'refused-file-failed'
  | 'database-gone'
  | 'interrupted';

/** A feed that was refused, or stopped half-way; then `report` tells what had been done until then. */
export class FeedRefusal extends Refusal<FeedRefusalCode> {
  report: FeedReport | undefined;
}
