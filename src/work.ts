import os from 'node:os';
import { makeAuthorizationJobs, scheduleAuthorizationSweep } from '#/authorization/jobs.ts';
import { CHECKPOINT_BYTES } from '#/payer-to-payer/export/checkpoint.ts';
import type { ExportDeps } from '#/payer-to-payer/export/export-deps.ts';
import { makeExportJobs, scheduleExportPurge } from '#/payer-to-payer/export/jobs.ts';
import { FILE_LIMITS } from '#/payer-to-payer/export/part-writer.ts';
import { openExportFiles } from '#/payer-to-payer/export/storage.ts';
import type { JobHandlers } from '#/platform/jobs/jobs.ts';
import { startWorkers, type Workers } from '#/platform/jobs/workers.ts';
import { scheduleMailPurge } from '#/platform/mail/mailer.ts';
import { makeLabelJobs, scheduleLabelCheck } from '#/sensitivity/jobs.ts';
import type { Services } from './services.ts';

/** What the routes and the background work of exports share. @throws ConfigError when their storage cannot be used */
export async function openExports(services: Services): Promise<ExportDeps> {
  const { config, database, tenants, audit, clock, log } = services;
  return {
    database,
    tenants,
    audit,
    clock,
    log,
    files: await openExportFiles(config, services),
    fileLimits: FILE_LIMITS,
    checkpointBytes: CHECKPOINT_BYTES,
    // One worker stays free for small exports, however many slices of big ones wait.
    parallelSlices: Math.max(1, Math.min(os.availableParallelism(), config.jobConcurrency - 1)),
    openJobsPerClientMax: config.exportClientJobs,
    openJobsPerTenantMax: config.exportTenantJobs,
  };
}

/** Runs the background work of every domain in this process, beside the server or without one. */
export async function startWork(services: Services, exports: ExportDeps): Promise<Workers> {
  const { config, database, log, authorization } = services;
  const handlers: JobHandlers = {
    ...makeExportJobs(exports),
    ...makeAuthorizationJobs({ ...authorization.routeDeps, database }),
    ...makeLabelJobs(services),
    ...services.mailer.jobs,
  };
  await scheduleExportPurge(exports);
  await scheduleAuthorizationSweep(database);
  await scheduleLabelCheck(database);
  await scheduleMailPurge(database);
  return startWorkers({ database, handlers, concurrency: config.jobConcurrency, log });
}
