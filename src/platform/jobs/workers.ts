import { EventEmitter } from 'node:events';
import { makeWorkerUtils, run, type TaskList, type WorkerEvents } from 'graphile-worker';
import type { Database } from '../db/database.ts';
import type { Log } from '../log/log.ts';
import { jobLog } from './job-log.ts';
import type { JobHandlers } from './jobs.ts';
import { startLiveness } from './liveness.ts';

/** How long a job that is being stopped may take before it is handed back by force. */
const SHUTDOWN_GRACE_MS = 5_000;
/** Only for jobs whose notification was lost; new ones are announced by NOTIFY (p95 5 ms). */
const POLL_INTERVAL_MS = 1_000;

export interface Workers {
  /** Takes no new jobs, tells running ones to stop, hands back what does not. */
  stop(): Promise<void>;
}

/** Runs the background jobs of this process. */
export async function startWorkers(options: {
  readonly database: Database;
  readonly handlers: JobHandlers;
  readonly concurrency: number;
  readonly log: Log;
}): Promise<Workers> {
  const { database, handlers, concurrency, log } = options;
  const logger = jobLog(log);
  const stopping = new AbortController();
  const utils = await makeWorkerUtils({ pgPool: database.owner, logger });
  const liveness = await startLiveness(database, (poolIds) => utils.forceUnlockWorkers(poolIds), log);

  const taskList: TaskList = {};
  for (const [name, handler] of Object.entries(handlers)) {
    taskList[name] = async (payload, helpers) => {
      await handler(payload as Record<string, unknown>, {
        signal: stopping.signal,
        attempt: helpers.job.attempts,
        lastAttempt: helpers.job.attempts >= helpers.job.max_attempts,
      });
    };
  }
  const events: WorkerEvents = new EventEmitter();
  const registered: Promise<void>[] = [];
  events.on('pool:create', ({ workerPool }) => registered.push(liveness.registerPool(workerPool.id)));
  const runner = await run({
    pgPool: database.owner,
    taskList,
    concurrency,
    logger,
    events,
    noHandleSignals: true,
    pollInterval: POLL_INTERVAL_MS,
    gracefulShutdownAbortTimeout: SHUTDOWN_GRACE_MS,
  });
  await Promise.all(registered);

  return {
    async stop() {
      stopping.abort();
      await runner.stop().catch(() => undefined);
      await liveness.stop();
      await utils.release();
    },
  };
}
