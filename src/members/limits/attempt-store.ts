import type { Queryable } from '#/platform/db/database.ts';
import type { AttemptRule } from './attempt-limits.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** A lock is forgotten, and the next is a short one again, when so much time has passed since it ended. */
const LOCKS_FORGOTTEN_AFTER = "interval '24 hours'";
const PURGE_BATCH = 5_000;

/**
 * One upsert: of several at once each sees the count that the one before left. The attempt that uses up the last failure is
 * still let through and locks the key; `forgive` opens it again when that attempt was right.
 *
 * @returns `lockedUntil` when the key was locked before this attempt, which then was not counted
 */
export async function reserveAttempt(
  db: TenantQueryable,
  key: Buffer,
  rule: AttemptRule,
): Promise<{ readonly used: number; readonly lockedUntil: Date | undefined }> {
  const result = await db.query<{ used: number; was_locked_until: Date | null }>(
    `insert into attempt_limit as a (tenant_id, key, window_start, used, locked_until)
     values ($1, $2, clock_timestamp(), 1,
             case when $3 <= 1 then clock_timestamp() + make_interval(secs => $5) end)
     on conflict (tenant_id, key) do update set
       (window_start, used, locks, locked_until) = (
         select case when n.fresh then clock_timestamp() else a.window_start end,
                n.used,
                case when n.locked then a.locks
                     when n.used >= $3 then n.locks + 1
                     else n.locks end,
                case when n.locked then a.locked_until
                     when n.used >= $3
                     then clock_timestamp() + make_interval(secs => least($5 * power(2, least(n.locks, 20)), $6)) end
           from (select s.locked, s.fresh,
                        case when s.locked then a.used when s.fresh then 1 else a.used + 1 end as used,
                        case when a.locked_until < clock_timestamp() - ${LOCKS_FORGOTTEN_AFTER} then 0 else a.locks end as locks
                   from (select coalesce(a.locked_until > clock_timestamp(), false) as locked,
                                (a.locked_until is not null and a.locked_until <= clock_timestamp())
                                or a.window_start < clock_timestamp() - make_interval(secs => $4) as fresh) s) n)
     returning used, case when old.locked_until > clock_timestamp() then old.locked_until end as was_locked_until`,
    [db.tenantId, key, rule.failuresMax, rule.windowSeconds, rule.lockSeconds, rule.lockSecondsMax],
  );
  const row = result.rows[0]!;
  return { used: row.used, lockedUntil: row.was_locked_until ?? undefined };
}

export async function releaseAttempt(db: TenantQueryable, key: Buffer): Promise<void> {
  await db.query(
    'update attempt_limit set used = greatest(used - 1, 0), locked_until = null where tenant_id = $1 and key = $2',
    [db.tenantId, key],
  );
}

export async function deleteAttempts(db: TenantQueryable, keys: readonly Buffer[]): Promise<void> {
  await db.query('delete from attempt_limit where tenant_id = $1 and key = any($2)', [db.tenantId, keys]);
}

export async function deleteOldAttempts(db: TenantQueryable): Promise<number> {
  const result = await db.query(
    `delete from attempt_limit where (tenant_id, key) in
       (select tenant_id, key from attempt_limit
         where tenant_id = $1 and window_start < clock_timestamp() - interval '3 days'
           and (locked_until is null or locked_until < clock_timestamp() - interval '2 days') limit ${PURGE_BATCH})`,
    [db.tenantId],
  );
  return result.rowCount ?? 0;
}
