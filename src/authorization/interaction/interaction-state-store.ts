import type { Queryable } from '#/platform/db/database.ts';
import type { InteractionState } from './interaction-state.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** Longer than the engine keeps an authorization between its pages. */
const LIFETIME_SECONDS = 3_600;

export async function selectState(db: TenantQueryable, uid: string): Promise<InteractionState> {
  const result = await db.query<{ state: InteractionState }>(
    'select state from interaction_state where tenant_id = $1 and uid = $2 and expires_at > clock_timestamp()',
    [db.tenantId, uid],
  );
  return result.rows[0]?.state ?? {};
}

export async function upsertState(db: TenantQueryable, uid: string, state: InteractionState): Promise<void> {
  await db.query(
    `insert into interaction_state (tenant_id, uid, state, expires_at)
     values ($1, $2, $3, clock_timestamp() + make_interval(secs => ${LIFETIME_SECONDS}))
     on conflict (tenant_id, uid) do update set (state, expires_at) = (excluded.state, excluded.expires_at)`,
    [db.tenantId, uid, JSON.stringify(state)],
  );
}

export async function deleteState(db: TenantQueryable, uid: string): Promise<void> {
  await db.query('delete from interaction_state where tenant_id = $1 and uid = $2', [db.tenantId, uid]);
}

/** @returns how many rows went; call again while it is not 0 */
export async function purgeStates(db: TenantQueryable): Promise<number> {
  const result = await db.query(
    `delete from interaction_state where (tenant_id, uid) in
       (select tenant_id, uid from interaction_state where tenant_id = $1 and expires_at < now() limit 5000)`,
    [db.tenantId],
  );
  return result.rowCount ?? 0;
}
