import type { Queryable } from '../db/database.ts';

/** A wish for background work. Its truth (state, progress, attempts) is in the domain's own tables (storage.md 9). */
export interface JobRequest {
  readonly name: string;
  /** Ids and numbers only; the job library keeps it in clear. */
  readonly payload: Readonly<Record<string, string | number | boolean | null>>;
  /** At most one waiting job has this key: a second request replaces the first. */
  readonly key?: string;
  /** Jobs of one queue run one after the other. */
  readonly queue?: string;
  readonly runAt?: Date;
  readonly maxAttempts?: number;
  /** Smaller runs first. 0 is the default. */
  readonly priority?: number;
}

export interface JobContext {
  /** Set when the process is told to stop: hand the work back soon. */
  readonly signal: AbortSignal;
  /** 1 at the first try. */
  readonly attempt: number;
  readonly lastAttempt: boolean;
}

/** May be run twice without harm; throws to be tried again later. */
export type JobHandler = (payload: Readonly<Record<string, unknown>>, context: JobContext) => Promise<void>;

export type JobHandlers = Readonly<Record<string, JobHandler>>;

export const JOB_MAX_ATTEMPTS = 25;

/** Adds a job in the caller's own transaction: it exists exactly when what it works on exists. */
export async function enqueueJob(transaction: Queryable, job: JobRequest): Promise<void> {
  await transaction.query('select enqueue_job($1, $2, $3, $4, $5, $6, $7)', [
    job.name,
    JSON.stringify(job.payload),
    job.queue ?? null,
    job.runAt ?? null,
    job.maxAttempts ?? JOB_MAX_ATTEMPTS,
    job.key ?? null,
    job.priority ?? 0,
  ]);
}
