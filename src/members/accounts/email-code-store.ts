import type { Queryable } from '#/platform/db/database.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

export async function upsertCode(
  db: TenantQueryable,
  code: { readonly boundTo: string; readonly email: string; readonly mac: Buffer; readonly lifetimeSeconds: number },
): Promise<void> {
  await db.query(
    `insert into email_code (tenant_id, bound_to, email, mac, expires_at)
     values ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
     on conflict (tenant_id, bound_to) do update
        set (email, mac, tries, sent_at, expires_at) = (excluded.email, excluded.mac, 0, clock_timestamp(), excluded.expires_at)`,
    [db.tenantId, code.boundTo, code.email, code.mac, code.lifetimeSeconds],
  );
}

/** How long ago the last code for this was sent. */
export async function selectSentSeconds(
  db: TenantQueryable,
  boundTo: string,
  email: string,
): Promise<number | undefined> {
  const result = await db.query<{ seconds: number }>(
    `select extract(epoch from clock_timestamp() - sent_at)::float8 as seconds from email_code
      where tenant_id = $1 and bound_to = $2 and email = $3 for update`,
    [db.tenantId, boundTo, email],
  );
  return result.rows[0]?.seconds;
}

/** @returns undefined when there is no live code, or its tries are used up */
export async function takeTry(
  db: TenantQueryable,
  boundTo: string,
  email: string,
  triesMax: number,
): Promise<{ readonly mac: Buffer; readonly tries: number } | undefined> {
  const result = await db.query<{ mac: Buffer; tries: number }>(
    `update email_code set tries = tries + 1
      where tenant_id = $1 and bound_to = $2 and email = $3 and tries < $4 and expires_at > clock_timestamp()
      returning mac, tries`,
    [db.tenantId, boundTo, email, triesMax],
  );
  return result.rows[0];
}

/** @returns false when it was used, or replaced, meanwhile */
export async function deleteCode(db: TenantQueryable, boundTo: string, mac: Buffer): Promise<boolean> {
  const result = await db.query('delete from email_code where tenant_id = $1 and bound_to = $2 and mac = $3', [
    db.tenantId,
    boundTo,
    mac,
  ]);
  return result.rowCount === 1;
}

/** @returns how many rows went; call again while it is not 0 */
export async function purgeCodes(db: TenantQueryable): Promise<number> {
  const result = await db.query(
    `delete from email_code where (tenant_id, bound_to) in
       (select tenant_id, bound_to from email_code where tenant_id = $1 and expires_at < now() - interval '1 hour' limit 5000)`,
    [db.tenantId],
  );
  return result.rowCount ?? 0;
}
