import type { Queryable } from './database.ts';

/** The advisory lock class of open writers; the lock's object number is the second in which the writer began. */
const WRITER_LOCK_CLASS = 4711;
/** Seconds since 1970 that are taken off, so that the rest fits the 31 bits of an advisory lock's number. */
const WRITER_LOCK_EPOCH_SECONDS = 1_700_000_000;

/**
 * Announces an open writer, then takes the write time. The order is the point: a writer's `changed_at` is never
 * earlier than the second its lock names (storage.md 4).
 *
 * @returns `changed_at` as PostgreSQL writes it, microseconds included
 */
export async function takeWriterLock(transaction: Queryable): Promise<string> {
  await transaction.query(
    `select pg_advisory_xact_lock_shared(${WRITER_LOCK_CLASS},
       floor(extract(epoch from clock_timestamp()))::int - ${WRITER_LOCK_EPOCH_SECONDS})`,
  );
  const time = await transaction.query<{ at: string }>(`select clock_timestamp()::text as at`);
  return time.rows[0]!.at;
}

/**
 * The latest time up to which everything that will ever carry a `changed_at` of it or before is committed: now, or the
 * second in which the oldest open writer began, less one millisecond. It is the `transactionTime` of exports
 * (payer-to-payer.md 3.5). Needs no privilege; 0.6 ms.
 */
export async function readHorizon(queryable: Queryable): Promise<Date> {
  const result = await queryable.query<{ horizon: Date }>(
    `select date_trunc('milliseconds', least(clock_timestamp(),
              to_timestamp(min(objid::bigint) + ${WRITER_LOCK_EPOCH_SECONDS}))) - interval '1 millisecond' as horizon
       from pg_locks
      where locktype = 'advisory' and classid = ${WRITER_LOCK_CLASS} and objsubid = 2
        and database = (select oid from pg_database where datname = current_database())`,
  );
  return result.rows[0]!.horizon;
}
