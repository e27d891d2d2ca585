import type { Queryable } from '#/platform/db/database.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** How a sandbox plan was filled. `asOf` is a calendar day, `yyyy-mm-dd`. */
export interface SandboxFill {
  readonly asOf: string;
  readonly isFilled: boolean;
}

/** The fill that was begun or done, or one begun now. Two processes that start at once get the same day. */
export async function beginFill(db: TenantQueryable, asOf: string): Promise<SandboxFill> {
  await db.query('insert into sandbox_fill (tenant_id, as_of) values ($1, $2) on conflict do nothing', [
    db.tenantId,
    asOf,
  ]);
  const { rows } = await db.query<{ as_of: string; is_filled: boolean }>(
    `select to_char(as_of, 'YYYY-MM-DD') as as_of, filled_at is not null as is_filled from sandbox_fill where tenant_id = $1`,
    [db.tenantId],
  );
  const [row] = rows;
  if (!row) throw new Error('the fill that was just begun is gone');
  return { asOf: row.as_of, isFilled: row.is_filled };
}

export async function endFill(db: TenantQueryable, at: Date): Promise<void> {
  await db.query('update sandbox_fill set filled_at = $2 where tenant_id = $1', [db.tenantId, at]);
}

/** The plan is to be made anew, as of this day. */
export async function restartFill(db: TenantQueryable, asOf: string): Promise<void> {
  await db.query(
    `insert into sandbox_fill (tenant_id, as_of) values ($1, $2)
     on conflict (tenant_id) do update set as_of = excluded.as_of, filled_at = null`,
    [db.tenantId, asOf],
  );
}
