import type { ExportFile, ExportJob, ExportProgress, ExportState } from './export-job.ts';

/** The words of `status`; only `Successful` is documented by the founding flow (payer-to-payer.md 2). */
const STATUS_WORDS = {
  queued: 'Queued',
  running: 'Running',
  complete: 'Successful',
  failed: 'Failed',
  cancelled: 'Cancelled',
} as const satisfies Record<ExportState, string>;

const RETRY_AFTER_MIN_SECONDS = 1;
const RETRY_AFTER_MAX_SECONDS = 120;

/** Where the links of a job point: always under the tenant's configured base, never the Host header (P2P-32). */
export interface ExportLinks {
  /** `{issuer}/bulk-data/r4` */
  readonly bulkBase: string;
  /** The root of the product's own canonical URLs; the vendor's data stand under a key made of it. */
  readonly canonical: string;
}

export const statusUrl = (bulkBase: string, jobId: string): string => `${bulkBase}/$export/job/${jobId}`;
/** @param reference `Type/id` of the document */
export const attachmentUrl = (bulkBase: string, jobId: string, reference: string, n: number): string =>
  `${bulkBase}/$export/attachment/${jobId}/${reference}/${n}`;
export const fileUrl = (bulkBase: string, name: string): string => `${bulkBase}/$export/file/${name}`;

/** The quick start's job document while the work goes on: no `output`, no `error` (payer-to-payer.md 3.6). */
export function renderJobInProgress(job: ExportJob, progress: ExportProgress): object {
  return jobDocument(job, progress);
}

/** The quick start's finished job document: its keys are the contract, `error` always among them. */
export function renderJobDone(
  job: ExportJob,
  progress: ExportProgress,
  files: readonly ExportFile[],
  links: ExportLinks,
): object {
  const deleted = ofKind(files, 'deleted');
  return {
    ...jobDocument(job, progress),
    output: ofKind(files, 'output').map(({ type, name }) => ({ type, url: fileUrl(links.bulkBase, name) })),
    ...(deleted.length > 0 && {
      deleted: deleted.map(({ type, name }) => ({ type, url: fileUrl(links.bulkBase, name) })),
    }),
    error: ofKind(files, 'error').map(({ type, name }) => ({ type, url: fileUrl(links.bulkBase, name) })),
  };
}

/** The manifest of Bulk Data 1 to 3; what the quick start shows at the root is under `extension` (payer-to-payer.md 3.3). */
export function renderManifest(
  job: ExportJob,
  progress: ExportProgress,
  files: readonly ExportFile[],
  links: ExportLinks,
): object {
  const item = ({ type, name, resources }: ExportFile) => ({
    type,
    url: fileUrl(links.bulkBase, name),
    count: resources,
  });
  const deleted = ofKind(files, 'deleted');
  const { id, status, resourceCount, batches, lastUpdated } = jobDocument(job, progress);
  return {
    transactionTime: job.transactionTime?.toISOString(),
    request: job.request,
    requiresAccessToken: true,
    output: ofKind(files, 'output').map(item),
    ...(deleted.length > 0 && { deleted: deleted.map(item) }),
    error: ofKind(files, 'error').map(item),
    extension: { [`${links.canonical}/export-job`]: { id, status, resourceCount, batches, lastUpdated } },
  };
}

/** `X-Progress`: for people, below 100 characters (payer-to-payer.md 3.2). */
export function renderProgress(state: ExportState, { partsDone, partsTotal, files }: ExportProgress): string {
  if (state === 'queued' || partsTotal === 0) return 'queued';
  const percent = Math.floor((100 * partsDone) / partsTotal);
  return `${partsDone} of ${partsTotal} parts, ${files} ${files === 1 ? 'file' : 'files'}, ${percent}%`;
}

/**
 * Seconds until the next poll makes sense: a tenth of the time the job has taken so far, from 1 to 120. A job's age is
 * the best guess at what is left of it that costs nothing.
 */
export function retryAfterSeconds(job: Pick<ExportJob, 'createdAt'>, now: Date): number {
  const tenth = Math.floor((now.getTime() - job.createdAt.getTime()) / 10_000);
  return Math.min(Math.max(tenth, RETRY_AFTER_MIN_SECONDS), RETRY_AFTER_MAX_SECONDS);
}

function jobDocument(job: ExportJob, progress: ExportProgress) {
  // Parts that wait count as running; a finished job has none (payer-to-payer.md 2).
  const running = job.state === 'queued' || job.state === 'running' ? progress.partsTotal - progress.partsDone : 0;
  const failed = job.state === 'failed' ? Math.max(progress.partsTotal - progress.partsDone, 1) : 0;
  return {
    id: job.id,
    ...(job.transactionTime && { transactionTime: job.transactionTime.toISOString() }),
    request: job.request,
    requiresAccessToken: true,
    status: STATUS_WORDS[job.state],
    resourceCount: progress.resources,
    batches: { running, complete: progress.files, failed, total: running + progress.files + failed },
    lastUpdated: job.changedAt.toISOString(),
  };
}

const ofKind = (files: readonly ExportFile[], kind: ExportFile['kind']): readonly ExportFile[] =>
  files.filter((file) => file.kind === kind);
