import type { Tenant } from '#/tenants/tenants.ts';
import type { ExportDeps } from './export-deps.ts';
import type { ExportJob } from './export-job.ts';
import { makePartWriter, type PartWriter } from './part-writer.ts';
import type { PartResult, SliceClaim } from './slices.ts';

/** One attempt at one slice: what is worked on, by which right, and when to stop. */
export interface SliceWork {
  readonly deps: ExportDeps;
  readonly tenant: Tenant;
  readonly job: ExportJob;
  readonly claim: SliceClaim;
  readonly signal: AbortSignal;
  /** What the disclosure policy asks beside labels while they are being written anew; see `sensitiveBeyondLabels`. */
  readonly isSensitiveToo: ((resource: Readonly<Record<string, unknown>>) => boolean) | undefined;
}

/** Runs work that writes one part; when it fails, what it wrote is removed. */
export async function writingPart<T extends object>(
  { deps, job }: SliceWork,
  part: { readonly type: string; readonly kind: 'output' | 'deleted' | 'error' },
  write: (writer: PartWriter) => Promise<T>,
): Promise<T & Pick<PartResult, 'files'>> {
  const { files, fileLimits: limits } = deps;
  const writer = makePartWriter({ files, tenantId: job.tenantId, jobId: job.id, ...part, limits });
  try {
    const result = await write(writer);
    return { ...result, files: await writer.close() };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}
