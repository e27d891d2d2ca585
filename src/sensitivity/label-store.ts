import type { Queryable } from '#/platform/db/database.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** Under which rules what is stored was labelled, and since when. */
export interface AppliedLabels {
  readonly fingerprint: string;
  readonly since: Date;
}

/** A walk over everything stored, as far as it is. */
export interface LabelWalk {
  readonly attempt: number;
  readonly after: { readonly rt: number; readonly id: string } | undefined;
  readonly checked: number;
  readonly changed: number;
}

export async function selectApplied(db: TenantQueryable): Promise<AppliedLabels | undefined> {
  const result = await db.query<{ applied: string | null; applied_at: Date }>(
    'select applied, applied_at from label_state where tenant_id = $1',
    [db.tenantId],
  );
  const row = result.rows[0];
  return row?.applied == null ? undefined : { fingerprint: row.applied, since: row.applied_at };
}

/** A plan that holds nothing yet is labelled by whatever its first feed uses. */
export async function insertApplied(tx: TenantQueryable, fingerprint: string): Promise<void> {
  await tx.query(
    'insert into label_state (tenant_id, applied, applied_at) values ($1, $2, clock_timestamp()) on conflict do nothing',
    [tx.tenantId, fingerprint],
  );
}

/**
 * Says that a feed stored something under these rules. When they are not those of the walk that ended or is under way, what
 * is stored is not labelled as it should be: the walk has to be made again.
 */
export async function noteStored(tx: TenantQueryable, fingerprint: string): Promise<void> {
  await tx.query(
    `update label_state set applied = null, applied_at = null, target = null, after_rt = null, after_id = null, attempt = attempt + 1
      where tenant_id = $1 and coalesce(target, applied) <> $2`,
    [tx.tenantId, fingerprint],
  );
}

/** Takes a walk up, or begins one: whoever walked before can no longer write. */
export async function beginWalk(db: TenantQueryable, fingerprint: string): Promise<LabelWalk> {
  const result = await db.query<{
    attempt: number;
    after_rt: number | null;
    after_id: string | null;
    checked: string;
    changed: string;
  }>(
    `insert into label_state as s (tenant_id, target, attempt) values ($1, $2, 1)
     on conflict (tenant_id) do update set target = $2, attempt = s.attempt + 1,
       after_rt = case when s.target = $2 then s.after_rt end, after_id = case when s.target = $2 then s.after_id end,
       checked = case when s.target = $2 then s.checked else 0 end, changed = case when s.target = $2 then s.changed else 0 end
     returning attempt, after_rt, after_id, checked, changed`,
    [db.tenantId, fingerprint],
  );
  const row = result.rows[0]!;
  return {
    attempt: row.attempt,
    after: row.after_rt === null ? undefined : { rt: row.after_rt, id: row.after_id ?? '' },
    checked: Number(row.checked),
    changed: Number(row.changed),
  };
}

/** @returns false when another process walks, or the walk has to be made again: nothing was written */
export async function saveWalk(tx: TenantQueryable, walk: LabelWalk): Promise<boolean> {
  const result = await tx.query(
    `update label_state set after_rt = $3, after_id = $4, checked = $5, changed = $6
      where tenant_id = $1 and attempt = $2 and target is not null`,
    [tx.tenantId, walk.attempt, walk.after?.rt ?? null, walk.after?.id ?? null, walk.checked, walk.changed],
  );
  return result.rowCount === 1;
}

/** Ends the walk: everything is labelled by its rules. */
export async function endWalk(tx: TenantQueryable, walk: LabelWalk): Promise<boolean> {
  const result = await tx.query(
    `update label_state set applied = target, applied_at = clock_timestamp(), target = null, after_rt = null, after_id = null
      where tenant_id = $1 and attempt = $2 and target is not null`,
    [tx.tenantId, walk.attempt],
  );
  return result.rowCount === 1;
}
