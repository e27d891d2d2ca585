import type { ConsentPolicy } from '#/consent/consent.ts';
import type { ExportFile } from './export-job.ts';

/** The right to work on one slice: void as soon as a later attempt has begun or the job is no longer running. */
export interface SliceClaim {
  readonly jobId: string;
  readonly slice: number;
  readonly attempt: number;
  readonly policy: ConsentPolicy;
}

/** Slice 0 is the end of an export: shared resources, deletions, the error file. Members' slices count from 1. */
export const LAST_SLICE = 0;

export interface PlannedMember {
  /** The locator of the member's rows, 64 bits as a decimal string. */
  readonly mk: string;
  readonly memberId: string;
}

export interface PlannedSlice {
  readonly slice: number;
  readonly policy: ConsentPolicy;
  readonly members: readonly PlannedMember[];
}

export interface PlannedPart {
  readonly slice: number;
  readonly type: string;
  /** Order of the type in the manifest. */
  readonly position: number;
}

/** What one finished part leaves behind, written in one transaction with its `done`. */
export interface PartResult {
  readonly type: string;
  readonly position: number;
  readonly files: readonly ExportFile[];
  /** OperationOutcomes for the error file, as JSON text. */
  readonly notes: readonly string[];
  /** Shared resources named by what left, as `Type/id`. */
  readonly references: readonly string[];
  /** Counts of what the disclosure policy kept back, by reason. */
  readonly withheld: Readonly<Record<string, number>>;
}

/** A line of the error file. The key makes it one line, however often its work is tried. */
export interface Note {
  readonly slice: number;
  /** What it is about: a part's type, a parameter, a member's `Patient/id`. */
  readonly subject: string;
  readonly sequence: number;
  /** An OperationOutcome as JSON text. */
  readonly outcome: string;
}

/** Another attempt took the work over, or the job was deleted: whoever sees it stops without effect. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}
