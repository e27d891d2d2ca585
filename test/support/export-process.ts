// A process that works on exports, for tests that kill it: `node export-process.ts <connection as JSON> <folder>`.
import { makeAuditSink } from '#/audit/audit-sink.ts';
import { systemClock } from '#/platform/clock/clock.ts';
import { openDatabase } from '#/platform/db/database.ts';
import { startWorkers } from '#/platform/jobs/workers.ts';
import { makeLog } from '#/platform/log/log.ts';
import { makeTenants } from '#/tenants/tenant-store.ts';
import { makeExportFolder } from '../../src/payer-to-payer/export/folder-files.ts';
import { makeExportJobs } from '../../src/payer-to-payer/export/jobs.ts';
import { FILE_LIMITS } from '../../src/payer-to-payer/export/part-writer.ts';

const [connection = '{}', folder = ''] = process.argv.slice(2);
const database = openDatabase({ connection: JSON.parse(connection), poolSize: 10 });
const log = makeLog('silent');
const handlers = makeExportJobs({
  database,
  tenants: makeTenants(database, 'http://localhost'),
  audit: makeAuditSink(database),
  clock: systemClock,
  log,
  files: makeExportFolder(folder),
  fileLimits: FILE_LIMITS,
  // Each part is recorded by itself, so that a kill can come between two parts of one slice.
  checkpointBytes: 1,
  parallelSlices: 2,
  openJobsPerClientMax: 8,
  openJobsPerTenantMax: 100,
});
await startWorkers({ database, handlers, concurrency: 4, log });
process.stdout.write('ready\n');
