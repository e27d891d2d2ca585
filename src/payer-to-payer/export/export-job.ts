/** `Prefer: respond-async` at kick-off makes the standard flavour; without it, the flavour of the quick start. */
export type Flavour = 'standard' | 'vendor';

/**
 * queued → running → complete | failed; a delete makes any of them cancelled. The retention of a job that has ended is
 * not a state: its `expiresAt` is.
 */
export type ExportState = 'queued' | 'running' | 'complete' | 'failed' | 'cancelled';

/** `LatestProvenanceResources` is the narrower; of both the wider counts (Bulk Data 2, includeAssociatedData). */
export type AssociatedData = 'LatestProvenanceResources' | 'RelevantProvenanceResources';

/** What a kick-off asked for beyond types and times. */
export interface Narrowing {
  /** Searches `Type?...`; of those for a type one must find the resource. */
  readonly typeFilters: readonly TypeFilter[];
  /** `element` or `Type.element`: what is left of resources. Empty: all of them. */
  readonly elements: readonly string[];
  /** Ids of the Patients that are exported. Absent: every member. */
  readonly patients: readonly string[] | undefined;
  readonly associatedData: AssociatedData | undefined;
}

export interface TypeFilter {
  readonly type: string;
  /** The whole query, as it was sent. */
  readonly query: string;
}

export interface ExportJob {
  /** A UUID, unguessable, at the end of every status URL. */
  readonly id: string;
  readonly tenantId: number;
  readonly client: string;
  readonly organization: string | undefined;
  /** Absent: every group that the client may use (`Patient/$export`). */
  readonly groupId: string | undefined;
  readonly flavour: Flavour;
  readonly state: ExportState;
  /** The kick-off URL with its query, on the tenant's configured base. */
  readonly request: string;
  /** What may be in the files; decided at kick-off from `_type`, the scope and the flavour. */
  readonly types: readonly string[];
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly narrowing: Narrowing;
  /** `Prefer: separate-export-status`: the HTTP status is that of the status request alone. */
  readonly separateStatus: boolean;
  /** Set when the export is planned; nothing newer is in the files. */
  readonly transactionTime: Date | undefined;
  readonly retentionDays: number;
  readonly createdAt: Date;
  readonly changedAt: Date;
  /** Set when the work has ended. */
  readonly expiresAt: Date | undefined;
}

/** How far a job is: counted from the rows of its parts and files, never kept beside them. */
export interface ExportProgress {
  /** A part is one resource type of one slice of the members. */
  readonly partsTotal: number;
  readonly partsDone: number;
  /** Output files closed so far: those of OperationOutcomes and of deletions do not count. */
  readonly files: number;
  /** Resources in them. */
  readonly resources: number;
}

/** A closed file. `type` is OperationOutcome for the error file, Bundle for deletions. */
export interface ExportFile {
  /** `{Type}_{16 hex digits}.ndjson`, unique in the tenant. */
  readonly name: string;
  readonly kind: 'output' | 'deleted' | 'error';
  readonly type: string;
  readonly resources: number;
  readonly sizeBytes: number;
}

export const isOpen = (state: ExportState): boolean => state === 'queued' || state === 'running';

/** A cancelled or expired job is as unknown as one that never was (payer-to-payer.md 3.2). */
export function isGone(job: Pick<ExportJob, 'state' | 'expiresAt'>, now: Date): boolean {
  return job.state === 'cancelled' || (job.expiresAt !== undefined && job.expiresAt <= now);
}
