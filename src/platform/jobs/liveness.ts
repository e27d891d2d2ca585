import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Database } from '../db/database.ts';
import type { Log } from '../log/log.ts';

/** The advisory lock class under which each process that runs jobs holds its instance number. */
const INSTANCE_LOCK_CLASS = 4712;
const SWEEP_INTERVAL_MS = 500;

export interface Liveness {
  /** Records which of the job library's pools is this process's: jobs are locked in its name. */
  registerPool(poolId: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Closes the job library's one gap: a killed process leaves its jobs locked for four hours. Each process holds a
 * session lock on a random number; the lock dies with its connection. Every process looks twice a second which
 * recorded instances can be locked: they are dead, and their jobs are handed back (storage.md 9).
 */
export async function startLiveness(
  database: Database,
  unlock: (poolIds: string[]) => Promise<void>,
  log: Log,
): Promise<Liveness> {
  const instance = randomInt(1, 2 ** 31 - 1);
  const stopping = new AbortController();
  let connection: pg.Client | undefined;

  async function connected(): Promise<pg.Client> {
    if (connection) return connection;
    const client = await database.listener();
    client.on('error', () => undefined);
    client.on('end', () => {
      if (connection === client) connection = undefined;
    });
    await client.query('select pg_advisory_lock($1, $2)', [INSTANCE_LOCK_CLASS, instance]);
    connection = client;
    return client;
  }

  async function sweep(): Promise<void> {
    const client = await connected();
    const others = await client.query<{ instance: number; pool_ids: string[]; dead: boolean }>(
      `select instance, array_agg(pool_id) as pool_ids,
              pg_try_advisory_lock(${INSTANCE_LOCK_CLASS}, instance) as dead
         from job_instance where instance <> $1 group by instance`,
      [instance],
    );
    for (const other of others.rows) {
      if (!other.dead) continue;
      try {
        await unlock(other.pool_ids);
        await client.query('delete from job_instance where instance = $1', [other.instance]);
        log.info({ instance: other.instance }, 'took over the jobs of a process that ended without saying so');
      } finally {
        await client.query('select pg_advisory_unlock($1, $2)', [INSTANCE_LOCK_CLASS, other.instance]);
      }
    }
  }

  await connected();
  await sweep();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await sleep(SWEEP_INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await sweep().catch((error) => log.warn({ err: error }, 'looking for dead processes failed'));
    }
  })();

  return {
    async registerPool(poolId) {
      const client = await connected();
      await client.query('insert into job_instance (instance, pool_id) values ($1, $2) on conflict do nothing', [
        instance,
        poolId,
      ]);
    },
    async stop() {
      stopping.abort();
      await loop;
      await connection?.query('delete from job_instance where instance = $1', [instance]).catch(() => undefined);
      await connection?.end().catch(() => undefined);
    },
  };
}
