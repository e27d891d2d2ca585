import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, type TaskList, type WorkerEvents } from 'graphile-worker';
import type pg from 'pg';
import type { Database } from '../db/database.ts';
import type { Log } from '../log/log.ts';
import { jobLog } from './job-log.ts';
import type { JobHandlers } from './jobs.ts';
import { startLiveness } from './liveness.ts';

/** How long a job that is being stopped may take before it is handed back by force. */
const SHUTDOWN_GRACE_MS = 5_000;
/** Only for jobs whose notification was lost; new ones are announced by NOTIFY (p95 5 ms). */
const POLL_INTERVAL_MS = 1_000;
/** A failure is recorded this much later, so that one caused by a lost database is not: the next turn takes it up at once. */
const RECORD_FAILURE_MS = 200;

/** A time during which this process works in the name of one live instance. It ends when the database was lost. */
export interface Turn {
  readonly lost: Promise<void>;
  /** Takes no new jobs, tells running ones to stop, hands back what does not. */
  end(): Promise<void>;
}

export interface TurnOptions {
  readonly database: Pick<Database, 'jobPool' | 'listener'>;
  readonly handlers: JobHandlers;
  readonly concurrency: number;
  readonly log: Log;
  readonly unlock: (poolIds: string[]) => Promise<void>;
}

/**
 * Begins a turn. When its connection is lost nothing more is recorded in its name (the library's pool is closed): jobs that it
 * finished, that it failed or that it was just handed without hearing of it are all still locked by its instance, which is
 * dead, and whoever comes next takes them up. Handlers may run twice without harm, so none of that matters to them.
 *
 * @throws Error of the database, which may be back a moment later
 */
export async function beginTurn({ database, handlers, concurrency, log, unlock }: TurnOptions): Promise<Turn> {
  const logger = jobLog(log);
  const stopping = new AbortController();
  const pool = database.jobPool();
  const close = onceClosing(pool);
  try {
    const liveness = await startLiveness(database, unlock, log);
    const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
    void lost.then(() => {
      stopping.abort();
      close();
    });
    void liveness.lost.then(lose);
    const events: WorkerEvents = new EventEmitter();
    let registered: Promise<void> | undefined;
    events.on('pool:create', ({ workerPool }) => {
      registered = liveness.registerPool(workerPool.id);
      registered.catch(lose);
    });
    const runner = await run({
      pgPool: pool,
      taskList: tasksOf(handlers, stopping.signal),
      concurrency,
      logger,
      events,
      noHandleSignals: true,
      pollInterval: POLL_INTERVAL_MS,
      gracefulShutdownAbortTimeout: SHUTDOWN_GRACE_MS,
      preset: {
        // No job is taken in a name that is not recorded yet: nobody could take it over.
        plugins: [{ name: 'Liveness', version: '1.0.0', worker: { hooks: { startWorker: async () => registered } } }],
        // By batches of one: without them a failure to record ends the whole process (an unhandled rejection).
        worker: { completeJobBatchDelay: 0, failJobBatchDelay: RECORD_FAILURE_MS },
      },
    }).catch(async (error) => {
      await liveness.stop();
      throw error;
    });
    runner.promise.then(lose, lose);
    return {
      lost,
      async end() {
        stopping.abort();
        await Promise.race([runner.stop().catch(() => undefined), sleep(SHUTDOWN_GRACE_MS, undefined, { ref: false })]);
        await liveness.stop();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

function tasksOf(handlers: JobHandlers, signal: AbortSignal): TaskList {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [
      name,
      async (payload: unknown, { job }: { job: { attempts: number; max_attempts: number } }) => {
        const lastAttempt = job.attempts >= job.max_attempts;
        await handler(payload as Record<string, unknown>, { signal, attempt: job.attempts, lastAttempt });
      },
    ]),
  );
}

function onceClosing(pool: pg.Pool): () => void {
  return () => {
    if (!pool.ending) void pool.end().catch(() => undefined);
  };
}
