import type { WriteTransaction } from '#/platform/db/database.ts';
import { spliceMeta } from '../canonical/meta.ts';
import { rtOf } from '../resource-types.ts';
import { type Located, locate, locateTargets, lockTenant, upsertLocators } from './locator.ts';
import { sharedReferencesOf } from './owner.ts';
import { memberKey, type PreparedResource } from './prepare.ts';
import { type StagedRow, stageRows } from './stage.ts';

export interface ResourceKey {
  readonly rt: number;
  readonly id: string;
}

export interface MergeResult {
  /** What was written, new or changed, with its owner known. */
  readonly changed: readonly PreparedResource[];
  readonly unchanged: number;
  /** Those of the deletes that were there. */
  readonly deleted: number;
  /** Resources that belong to the owner of a target that is not there (yet); they were not written. */
  readonly unresolved: readonly PreparedResource[];
}

/**
 * Stores a batch: new and changed resources are written with the next version, what they replace goes to the history, a
 * resource that changed its owner leaves a tombstone with the old one. Unchanged ones are not touched. Each (type, id) is in
 * the batch or in the deletes once.
 *
 * Writers of one tenant take turns (an advisory lock), so the version read from the locator is the one written.
 * Source: storage.md 2, 5.
 */
export async function mergeBatch(
  tx: WriteTransaction,
  batch: readonly PreparedResource[],
  deletes: readonly ResourceKey[],
): Promise<MergeResult> {
  await lockTenant(tx);
  const { resolved, unresolved } = await resolveOwners(tx, batch);
  const located = await locate(tx, [...resolved, ...deletes]);
  const changed: PreparedResource[] = [];
  const rows: StagedRow[] = [];
  const moved: Located[] = [];
  for (const resource of resolved) {
    const before = located.get(keyOf(resource));
    const mk = resource.owner === null ? '0' : String(memberKey(tx.tenantId, resource.owner));
    const memberId = resource.owner ?? '';
    const stays = before !== undefined && before.mk === mk && before.memberId === memberId;
    if (stays && Buffer.compare(before.hash, resource.hash) === 0) continue;
    if (before !== undefined && !stays && before.hash.length > 0) moved.push(before);
    changed.push(resource);
    rows.push(rowOf(resource, mk, memberId, (before?.version ?? 0) + 1, tx.changedAt));
  }
  const gone = deletes.flatMap((key) => {
    const before = located.get(keyOf(key));
    return before && before.hash.length > 0 ? [before] : [];
  });
  if (moved.length > 0) await markDeleted(tx, moved);
  if (gone.length > 0) {
    await markDeleted(tx, gone);
    await upsertLocators(
      tx,
      gone.map((row) => ({ ...row, version: row.version + 1, hash: Buffer.alloc(0) })),
    );
  }
  if (rows.length > 0) await writeRows(tx, rows, changed);
  return { changed, unchanged: resolved.length - changed.length, deleted: gone.length, unresolved };
}

async function writeRows(
  tx: WriteTransaction,
  rows: readonly StagedRow[],
  changed: readonly PreparedResource[],
): Promise<void> {
  const { tenantId, changedAt } = tx;
  await stageRows(tx, rows);
  if (rows.some((row) => row.mk !== '0' || row.memberId !== ''))
    await tx.query(
      `with written as (
         insert into resource as r (tenant_id, mk, rt, id, member_id, version, last_updated, changed_at, hash, deleted, financial,
                date_lo, date_hi, tokens, refs, extra, content)
         select $1, mk, rt, id, member_id, version, last_updated, $2, hash, false, financial, date_lo, date_hi, tokens, refs, extra, content
           from stage where member_id <> '' order by mk, rt, date_lo
         on conflict (tenant_id, mk, rt, id) do update
            set (member_id, version, last_updated, changed_at, hash, deleted, financial, date_lo, date_hi, tokens, refs, extra, content)
              = (excluded.member_id, excluded.version, excluded.last_updated, excluded.changed_at, excluded.hash, false, excluded.financial,
                 excluded.date_lo, excluded.date_hi, excluded.tokens, excluded.refs, excluded.extra, excluded.content)
         returning old.mk, old.member_id, old.rt, old.id, old.version, old.last_updated, old.changed_at, old.deleted, old.content)
       insert into resource_history (tenant_id, mk, member_id, rt, id, version, last_updated, changed_at, replaced_at, deleted, content)
       select $1, mk, member_id, rt, id, version, last_updated, changed_at, $2, deleted, content from written where id is not null`,
      [tenantId, changedAt],
    );
  if (rows.some((row) => row.memberId === ''))
    await tx.query(
      `with written as (
         insert into shared_resource as r (tenant_id, rt, id, version, last_updated, changed_at, hash, deleted, tokens, refs, extra, content)
         select $1, rt, id, version, last_updated, $2, hash, false, tokens, refs, extra, content from stage where member_id = '' order by id, rt
         on conflict (tenant_id, id, rt) do update
            set (version, last_updated, changed_at, hash, deleted, tokens, refs, extra, content)
              = (excluded.version, excluded.last_updated, excluded.changed_at, excluded.hash, false, excluded.tokens, excluded.refs,
                 excluded.extra, excluded.content)
         returning old.rt, old.id, old.version, old.last_updated, old.changed_at, old.deleted, old.content)
       insert into resource_history (tenant_id, mk, member_id, rt, id, version, last_updated, changed_at, replaced_at, deleted, content)
       select $1, 0, '', rt, id, version, last_updated, changed_at, $2, deleted, content from written where id is not null`,
      [tenantId, changedAt],
    );
  await upsertLocators(tx, rows);
  await insertMemberRefs(tx, rows, changed);
}

/** Tombstones keep their version and time; the text goes to the history. */
async function markDeleted(tx: WriteTransaction, located: readonly Located[]): Promise<void> {
  const values = [
    tx.tenantId,
    tx.changedAt,
    located.map(({ rt }) => rt),
    located.map(({ id }) => id),
    located.map(({ mk }) => mk),
  ];
  const history = `insert into resource_history (tenant_id, mk, member_id, rt, id, version, last_updated, changed_at, replaced_at, deleted, content)`;
  await tx.query(
    `with gone as (
       update resource r set deleted = true, version = r.version + 1, changed_at = $2, hash = '', content = '{}', tokens = '{}', refs = '{}',
              extra = null, financial = false
         from unnest($3::smallint[], $4::text[], $5::bigint[]) as k (rt, id, mk)
        where r.tenant_id = $1 and r.mk = k.mk and r.rt = k.rt and r.id = k.id and not r.deleted
       returning old.mk, old.member_id, old.rt, old.id, old.version, old.last_updated, old.changed_at, old.content)
     ${history} select $1, mk, member_id, rt, id, version, last_updated, changed_at, $2, false, content from gone`,
    values,
  );
  await tx.query(
    `with gone as (
       update shared_resource r set deleted = true, version = r.version + 1, changed_at = $2, hash = '', content = '{}', tokens = '{}',
              refs = '{}', extra = null
         from unnest($3::smallint[], $4::text[], $5::bigint[]) as k (rt, id, mk)
        where k.mk = 0 and r.tenant_id = $1 and r.rt = k.rt and r.id = k.id and not r.deleted
       returning old.rt, old.id, old.version, old.last_updated, old.changed_at, old.content)
     ${history} select $1, 0, '', rt, id, version, last_updated, changed_at, $2, false, content from gone`,
    values,
  );
}

/** Which shared resources a member's resources name; an entry stays when its last source goes, which discloses nothing. */
async function insertMemberRefs(
  tx: WriteTransaction,
  rows: readonly StagedRow[],
  changed: readonly PreparedResource[],
): Promise<void> {
  const found = new Map<string, { mk: string; memberId: string; rt: number; id: string; sourceRt: number }>();
  rows.forEach((row, i) => {
    if (row.memberId === '') return;
    for (const { type, id } of sharedReferencesOf(changed[i]?.refs ?? [])) {
      const ref = { mk: row.mk, memberId: row.memberId, rt: rtOf(type), id, sourceRt: row.rt };
      found.set(`${ref.mk}/${ref.memberId}/${ref.rt}/${id}/${ref.sourceRt}`, ref);
    }
  });
  if (found.size === 0) return;
  const refs = [...found.values()];
  await tx.query(
    `insert into member_ref (tenant_id, mk, member_id, rt, id, source_rt)
     select $1, * from unnest($2::bigint[], $3::text[], $4::smallint[], $5::text[], $6::smallint[]) on conflict do nothing`,
    [
      tx.tenantId,
      refs.map((ref) => ref.mk),
      refs.map((ref) => ref.memberId),
      refs.map((ref) => ref.rt),
      refs.map((ref) => ref.id),
      refs.map((ref) => ref.sourceRt),
    ],
  );
}

/** A Provenance belongs to the owner of its first target that is there, in the batch or in the store. */
async function resolveOwners(
  tx: WriteTransaction,
  batch: readonly PreparedResource[],
): Promise<{ resolved: readonly PreparedResource[]; unresolved: readonly PreparedResource[] }> {
  if (!batch.some((resource) => resource.targets)) return { resolved: batch, unresolved: [] };
  const owners = new Map(
    batch.filter((resource) => !resource.targets).map((resource) => [keyOf(resource), resource.owner]),
  );
  const elsewhere = batch.flatMap((resource) =>
    (resource.targets ?? []).filter((target) => !owners.has(keyOf(target))),
  );
  for (const [key, owner] of await locateTargets(tx, elsewhere)) owners.set(key, owner);
  const resolved: PreparedResource[] = [];
  const unresolved: PreparedResource[] = [];
  for (const resource of batch) {
    const target = resource.targets?.find((candidate) => owners.has(keyOf(candidate)));
    if (!resource.targets) resolved.push(resource);
    else if (target) resolved.push({ ...resource, owner: owners.get(keyOf(target)) ?? null });
    else unresolved.push(resource);
  }
  return { resolved, unresolved };
}

function rowOf(
  resource: PreparedResource,
  mk: string,
  memberId: string,
  version: number,
  changedAt: string,
): StagedRow {
  const now = new Date(changedAt).toISOString();
  // The source's time if it is given and not in the future, else the write time (product.md, two times).
  const { sourceLastUpdated } = resource;
  const lastUpdated =
    sourceLastUpdated !== undefined && Date.parse(sourceLastUpdated) <= Date.parse(now) ? sourceLastUpdated : now;
  return {
    rt: resource.rt,
    id: resource.id,
    mk,
    memberId,
    version,
    lastUpdated,
    hash: resource.hash,
    financial: resource.financial,
    dateLo: resource.dateLo,
    dateHi: resource.dateHi,
    tokens: resource.tokens,
    refs: resource.refs,
    extra: resource.extra,
    content: spliceMeta({ text: resource.text, at: resource.metaAt, hasMeta: resource.hasMeta }, version, lastUpdated),
  };
}

const keyOf = ({ rt, id }: ResourceKey): string => `${rt}/${id}`;
