import type { Queryable } from '#/platform/db/database.ts';
import { typeOf } from '../resource-types.ts';

interface SliceChanges {
  readonly jobId: string;
  readonly slice: number;
  /** As of this moment, as for the lines of the slice. */
  readonly transactionTime: Date;
  readonly since: Date;
  /** Only changes before it. */
  readonly until?: Date | undefined;
}

type TenantQueryable = Queryable & { readonly tenantId: number };

/**
 * What a slice's members had and lost between `since` and the transaction time, as `Type/id`: tombstones as they were at that
 * moment, those that came back later included. Ordered by type number and id, after the key given.
 */
export async function readDeletedOfSlice(
  db: TenantQueryable,
  changes: SliceChanges,
  page: {
    readonly rts: readonly number[];
    readonly after: { readonly rt: number; readonly id: string } | undefined;
    readonly limit: number;
  },
): Promise<readonly { readonly rt: number; readonly id: string; readonly reference: string }[]> {
  const result = await db.query<{ rt: number; id: string }>(
    `select d.rt, d.id
       from (select mk, member_id from export_slice where tenant_id = $1 and job_id = $2 and slice = $3 order by mk) g
      cross join lateral (
        select rt, id from resource r
         where r.tenant_id = $1 and r.mk = g.mk and r.rt = any($6::smallint[]) and r.member_id = g.member_id
           and r.deleted and r.changed_at <= $4 and r.changed_at > $5 and r.changed_at < $10
        union all
        select rt, id from resource_history h
         where h.tenant_id = $1 and h.mk = g.mk and h.rt = any($6::smallint[]) and h.member_id = g.member_id
           and h.deleted and h.changed_at <= $4 and h.changed_at > $5 and h.changed_at < $10 and h.replaced_at > $4
        offset 0) d
      where (d.rt, d.id) > ($7::smallint, $8::text)
      order by d.rt, d.id limit $9`,
    [
      db.tenantId,
      changes.jobId,
      changes.slice,
      changes.transactionTime,
      changes.since,
      page.rts,
      page.after?.rt ?? 0,
      page.after?.id ?? '',
      page.limit,
      changes.until ?? 'infinity',
    ],
  );
  return result.rows.map(({ rt, id }) => ({ rt, id, reference: `${typeOf(rt)}/${id}` }));
}

/**
 * The shared resources that a slice's members name (in whatever resource) and that changed between `since` and the
 * transaction time, as `Type/id`. A superset: whether a resource that may leave names one is the caller's to find out.
 */
export async function readChangedSharedOfSlice(
  db: TenantQueryable,
  changes: SliceChanges,
  rts: readonly number[],
): Promise<readonly string[]> {
  const result = await db.query<{ rt: number; id: string }>(
    `select distinct m.rt, m.id
       from (select mk, member_id from export_slice where tenant_id = $1 and job_id = $2 and slice = $3) g
      cross join lateral (
        select rt, id from member_ref r
         where r.tenant_id = $1 and r.mk = g.mk and r.member_id = g.member_id and r.rt = any($6::smallint[]) offset 0) m
       join shared_resource s on s.tenant_id = $1 and s.id = m.id and s.rt = m.rt
      where s.changed_at > $5
        and (s.changed_at <= $4 or exists (
          select from resource_history h
           where h.tenant_id = $1 and h.mk = 0 and h.rt = m.rt and h.id = m.id and h.changed_at <= $4 and h.changed_at > $5 and h.replaced_at > $4))`,
    [db.tenantId, changes.jobId, changes.slice, changes.transactionTime, changes.since, rts],
  );
  return result.rows.map(({ rt, id }) => `${typeOf(rt)}/${id}`);
}

/**
 * The resource types that a slice's members have or once had, as type numbers: what else is asked for has no line. Reads the
 * index entries of the slice, so it pays for few members, where most of the time goes into asking for types that are not there.
 */
export async function readTypesOfSlice(
  db: TenantQueryable,
  { jobId, slice }: Pick<SliceChanges, 'jobId' | 'slice'>,
): Promise<ReadonlySet<number>> {
  const result = await db.query<{ rt: number }>(
    `select distinct t.rt
       from (select mk from export_slice where tenant_id = $1 and job_id = $2 and slice = $3) g
      cross join lateral (select distinct rt from resource r where r.tenant_id = $1 and r.mk = g.mk offset 0) t`,
    [db.tenantId, jobId, slice],
  );
  return new Set(result.rows.map(({ rt }) => rt));
}
