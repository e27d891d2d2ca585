import { setTimeout as sleep } from 'node:timers/promises';
import { makeWorkerUtils } from 'graphile-worker';
import type { Database } from '../db/database.ts';
import type { Log } from '../log/log.ts';
import { jobLog } from './job-log.ts';
import type { JobHandlers } from './jobs.ts';
import { beginTurn, type Turn } from './turn.ts';

/**
 * A job whose process died has used up a try that was not its own fault, and is given another. Not without end: what kills each
 * process that takes it must stop somewhere.
 */
const GIVE_BACK_TRY =
  'update graphile_worker._private_jobs set max_attempts = least(max_attempts + 1, 50) where locked_by = any($1::text[])';

/** While the database is away. */
const BEGIN_AGAIN_MS = 250;

export interface Workers {
  /** Takes no new jobs, tells running ones to stop, hands back what does not. */
  stop(): Promise<void>;
}

/**
 * Runs the background jobs of this process, turn after turn: a database that goes away ends a turn, and the next begins as
 * soon as it is back.
 *
 * @throws Error when the database cannot be reached at the start
 */
export async function startWorkers(options: {
  readonly database: Database;
  readonly handlers: JobHandlers;
  readonly concurrency: number;
  readonly log: Log;
}): Promise<Workers> {
  const { database, log } = options;
  const stopping = new AbortController();
  const utils = await makeWorkerUtils({ pgPool: database.owner, logger: jobLog(log) });
  const unlock = async (poolIds: string[]): Promise<void> => {
    await database.owner.query(GIVE_BACK_TRY, [poolIds]);
    await utils.forceUnlockWorkers(poolIds);
  };
  const begin = (): Promise<Turn> => beginTurn({ ...options, unlock });
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));

  async function beginAgain(): Promise<Turn | undefined> {
    while (!stopping.signal.aborted) {
      try {
        return await begin();
      } catch (error) {
        log.debug({ err: error }, 'background work waits for the database');
        await sleep(BEGIN_AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  const first = await begin();
  const turns = (async () => {
    for (let turn: Turn | undefined = first; turn; turn = await beginAgain()) {
      await Promise.race([turn.lost, stopped]);
      if (!stopping.signal.aborted) log.warn('background work lost the database and begins anew when it is back');
      await turn.end();
    }
  })();

  return {
    async stop() {
      stopping.abort();
      await turns;
      await utils.release();
    },
  };
}
