import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { Log } from '../log/log.ts';

/** The advisory lock class under which each process that runs jobs holds its instance number. */
const INSTANCE_LOCK_CLASS = 4712;
const SWEEP_INTERVAL_MS = 500;
/** A server that does not answer for so long is on a machine that is gone: nobody closed the connection. */
const ANSWER_TIMEOUT_MS = 10_000;

export interface Liveness {
  /** Records which of the job library's pools is this process's: jobs are locked in its name. */
  registerPool(poolId: string): Promise<void>;
  /** Resolves when the connection with the lock is gone: from then on others may take the jobs of its pools. */
  readonly lost: Promise<void>;
  /** Hands back what its pools still hold. Without the connection that is left to the sweep of others, or of the next turn. */
  stop(): Promise<void>;
}

/**
 * Closes the job library's one gap: a killed process leaves its jobs locked for four hours. Each process holds a
 * session lock on a random number; the lock dies with its connection. Every process looks twice a second which
 * recorded instances can be locked: they are dead, and their jobs are handed back (storage.md 9).
 */
export async function startLiveness(
  database: Pick<Database, 'listener'>,
  unlock: (poolIds: string[]) => Promise<void>,
  log: Log,
): Promise<Liveness> {
  const instance = randomInt(1, 2 ** 31 - 1);
  const pools: string[] = [];
  const stopping = new AbortController();
  const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
  const client = await database.listener();
  client.on('end', lose);
  client.on('error', () => lose());
  const query = <Row extends object>(text: string, values: unknown[]) =>
    client.query<Row>({ text, values, query_timeout: ANSWER_TIMEOUT_MS } as { text: string; values: unknown[] });

  async function sweep(): Promise<void> {
    const others = await query<{ instance: number; pool_ids: string[]; dead: boolean }>(
      `select instance, array_agg(pool_id) as pool_ids,
              pg_try_advisory_lock(${INSTANCE_LOCK_CLASS}, instance) as dead
         from job_instance where instance <> $1 group by instance`,
      [instance],
    ).catch((error: Error) => {
      if (error.message === 'Query read timeout') lose();
      throw error;
    });
    for (const other of others.rows) {
      if (!other.dead) continue;
      try {
        await unlock(other.pool_ids);
        await query('delete from job_instance where instance = $1', [other.instance]);
        log.info({ instance: other.instance }, 'took over the jobs of a process that ended without saying so');
      } finally {
        await query('select pg_advisory_unlock($1, $2)', [INSTANCE_LOCK_CLASS, other.instance]);
      }
    }
  }

  try {
    await query('select pg_advisory_lock($1, $2)', [INSTANCE_LOCK_CLASS, instance]);
    await sweep();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  void lost.then(() => stopping.abort());
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await sleep(SWEEP_INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await sweep().catch((error) => log.warn({ err: error }, 'looking for dead processes failed'));
    }
  })();

  return {
    lost,
    async registerPool(poolId) {
      pools.push(poolId);
      await query('insert into job_instance (instance, pool_id) values ($1, $2) on conflict do nothing', [
        instance,
        poolId,
      ]);
    },
    async stop() {
      const isLost = stopping.signal.aborted;
      stopping.abort();
      await loop;
      if (!isLost) {
        try {
          await unlock(pools);
          await query('delete from job_instance where instance = $1', [instance]);
        } catch {
          // The row stays, and whoever sweeps next does the same.
        }
      }
      await Promise.race([client.end().catch(() => undefined), sleep(1_000)]);
    },
  };
}
