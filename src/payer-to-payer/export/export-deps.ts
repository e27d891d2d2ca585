import type { AuditSink } from '#/audit/audit-sink.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import type { Database } from '#/platform/db/database.ts';
import type { Log } from '#/platform/log/log.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import type { ExportFiles } from './files.ts';
import type { FileLimits } from './part-writer.ts';

/** What the export is built from; main.ts hands it in. */
export interface ExportDeps {
  readonly database: Database;
  readonly tenants: Tenants;
  readonly audit: AuditSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly files: ExportFiles;
  readonly fileLimits: FileLimits;
  /** Finished parts are recorded together until they weigh this much; `CHECKPOINT_BYTES`. */
  readonly checkpointBytes: number;
  /** Slices of one group that are worked on at the same time. */
  readonly parallelSlices: number;
  /** Exports that one client may have waiting or running. */
  readonly openJobsPerClientMax: number;
  /** Exports that a tenant may have waiting or running, whosever they are. */
  readonly openJobsPerTenantMax: number;
}
