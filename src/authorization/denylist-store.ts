import type { Queryable } from '#/platform/db/database.ts';

export interface DenyEntry {
  readonly tenantId: number;
  /** `jti:...` or `grant:...` */
  readonly key: string;
  /** When all that it names has ended anyway. */
  readonly until: Date;
}

/** Rows past their end that one statement deletes. */
const PURGE_BATCH = 5_000;

export async function selectDenied(db: Queryable): Promise<readonly string[]> {
  const result = await db.query<{ key: string }>('select key from token_denylist where until > now()');
  return result.rows.map(({ key }) => key);
}

/** Every process hears of it when the row is committed. */
export async function insertDenied(db: Queryable, { tenantId, key, until }: DenyEntry): Promise<void> {
  await db.query(
    `with denied as (insert into token_denylist (tenant_id, key, until) values ($1, $2, $3)
                     on conflict (tenant_id, key) do update set until = greatest(token_denylist.until, excluded.until))
     select pg_notify('auth_revoked', json_build_object('key', $2::text)::text)`,
    [tenantId, key, until],
  );
}

/** @returns how many rows past their end went */
export async function purgeDenied(db: Queryable): Promise<number> {
  const result = await db.query(
    `delete from token_denylist where (tenant_id, key) in (select tenant_id, key from token_denylist where until < now() limit ${PURGE_BATCH})`,
  );
  return result.rowCount ?? 0;
}
