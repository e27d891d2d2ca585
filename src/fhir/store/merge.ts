import type { WriteTransaction } from '#/platform/db/database.ts';
import { type EncodedResource, hashOf, mkOf, RowEncoder, sourceOf } from './encoded-row.ts';
import {
  compareHashes,
  type Located,
  locate,
  locateDeleted,
  locateStaged,
  locateTargets,
  lockTenant,
  refreshSources,
} from './locator.ts';
import type { PreparedResource } from './prepare.ts';
import { type StagedRow, stageRows } from './stage.ts';

export interface ResourceKey {
  readonly rt: number;
  readonly id: string;
}

/** What can be stored: with its row made already, or prepared only, because its owner has to be asked first or in small numbers. */
export type Storable = EncodedResource | PreparedResource;

export interface MergeResult<R extends Storable> {
  /** What was written, new or changed, with its owner known. */
  readonly changed: readonly R[];
  readonly unchanged: number;
  /** Those of the deletes that were there. */
  readonly deleted: number;
  /** Resources that belong to the owner of a target that is not there (yet); they were not written. */
  readonly unresolved: readonly R[];
}

/**
 * Stores a batch: new and changed resources are written with the next version, what they replace goes to the history, a
 * resource that changed its owner leaves a tombstone with the old one. Unchanged ones are not touched. Each (type, id) is in
 * the batch or in the deletes once.
 *
 * Writers of one tenant take turns (an advisory lock), so the version read from the locator is the one written.
 * Source: storage.md 2, 5.
 */
export async function mergeBatch<R extends Storable>(
  tx: WriteTransaction,
  batch: readonly R[],
  deletes: readonly ResourceKey[],
): Promise<MergeResult<R>> {
  await lockTenant(tx);
  const { resolved, unresolved } = await resolveOwners(tx, batch);
  const rows = encodeAll(tx.tenantId, resolved);
  const { same, different, outdated } = await compareHashes(
    tx,
    rows.map((row) => ({ rt: row.rt, id: row.id, owner: row.owner, hash: hashOf(row), source: sourceOf(row) })),
  );
  if (outdated.length > 0)
    await refreshSources(
      tx,
      outdated.map((i) => rows[i] as EncodedResource).map((row) => ({ rt: row.rt, id: row.id, source: sourceOf(row) })),
    );
  const located = await locate(tx, deletes);
  const changed: R[] = [];
  const staged: StagedRow[] = [];
  const moved: Located[] = [];
  rows.forEach((row, i) => {
    if (same.has(i)) return;
    const before = different.get(i);
    const stays = before !== undefined && before.mk === mkOf(row) && before.memberId === (row.owner ?? '');
    if (before !== undefined && !stays && !before.isDeleted) moved.push(before);
    changed.push(resolved[i] as R);
    staged.push({ resource: row, version: (before?.version ?? 0) + 1 });
  });
  const gone = deletes.flatMap((key) => {
    const before = located.get(keyOf(key));
    return before && !before.isDeleted ? [before] : [];
  });
  if (moved.length > 0) await markDeleted(tx, moved);
  if (gone.length > 0) {
    await markDeleted(tx, gone);
    await locateDeleted(tx, gone);
  }
  if (staged.length > 0) await writeRows(tx, staged);
  return { changed, unchanged: resolved.length - changed.length, deleted: gone.length, unresolved };
}

async function writeRows(tx: WriteTransaction, rows: readonly StagedRow[]): Promise<void> {
  const { tenantId, changedAt } = tx;
  await stageRows(tx, rows, new Date(changedAt).toISOString());
  if (rows.some(({ resource }) => resource.owner !== null)) {
    await tx.query(
      `with written as (
         insert into resource as r (tenant_id, mk, rt, id, member_id, version, last_updated, changed_at, hash, deleted, financial,
                date_lo, date_hi, tokens, refs, extra, content)
         select $1, mk, rt, id, member_id, version, last_updated, $2, hash, false, financial, date_lo, date_hi, tokens, refs, extra, content
           from stage where member_id <> ''
         on conflict (tenant_id, mk, rt, id) do update
            set (member_id, version, last_updated, changed_at, hash, deleted, financial, date_lo, date_hi, tokens, refs, extra, content)
              = (excluded.member_id, excluded.version, excluded.last_updated, excluded.changed_at, excluded.hash, false, excluded.financial,
                 excluded.date_lo, excluded.date_hi, excluded.tokens, excluded.refs, excluded.extra, excluded.content)
         returning old.mk, old.member_id, old.rt, old.id, old.version, old.last_updated, old.changed_at, old.deleted, old.content)
       insert into resource_history (tenant_id, mk, member_id, rt, id, version, last_updated, changed_at, replaced_at, deleted, content)
       select $1, mk, member_id, rt, id, version, last_updated, changed_at, $2, deleted, content from written where id is not null`,
      [tenantId, changedAt],
    );
    await insertMemberRefs(tx);
  }
  if (rows.some(({ resource }) => resource.owner === null))
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
  await locateStaged(tx);
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
async function insertMemberRefs(tx: WriteTransaction): Promise<void> {
  await tx.query(
    `insert into member_ref (tenant_id, mk, member_id, rt, id, source_rt)
     select distinct $1::int, s.mk, s.member_id, shared.rt, shared.id, s.rt
       from stage s cross join lateral unnest(s.shared_rt, s.shared_id) as shared (rt, id)
      where s.member_id <> '' order by 2, 3, 4, 5, 6
     on conflict do nothing`,
    [tx.tenantId],
  );
}

/** A Provenance belongs to the owner of its first target that is there, in the batch or in the store. */
async function resolveOwners<R extends Storable>(
  tx: WriteTransaction,
  batch: readonly R[],
): Promise<{ resolved: readonly R[]; unresolved: readonly R[] }> {
  if (!batch.some(targetsOf)) return { resolved: batch, unresolved: [] };
  const owners = new Map(
    batch.filter((resource) => !targetsOf(resource)).map((resource) => [keyOf(resource), resource.owner]),
  );
  const elsewhere = batch.flatMap((resource) =>
    (targetsOf(resource) ?? []).filter((target) => !owners.has(keyOf(target))),
  );
  for (const [key, owner] of await locateTargets(tx, elsewhere)) owners.set(key, owner);
  const resolved: R[] = [];
  const unresolved: R[] = [];
  for (const resource of batch) {
    const targets = targetsOf(resource);
    const target = targets?.find((candidate) => owners.has(keyOf(candidate)));
    if (!targets) resolved.push(resource);
    else if (target) resolved.push({ ...resource, owner: owners.get(keyOf(target)) ?? null });
    else unresolved.push(resource);
  }
  return { resolved, unresolved };
}

const isEncoded = (resource: Storable): resource is EncodedResource => 'block' in resource;
const targetsOf = (resource: Storable): PreparedResource['targets'] =>
  isEncoded(resource) ? undefined : resource.targets;

/** The rows of what is not encoded yet. */
function encodeAll(tenantId: number, resources: readonly Storable[]): readonly EncodedResource[] {
  const waiting = resources.filter((resource): resource is PreparedResource => !isEncoded(resource));
  if (waiting.length === 0) return resources as readonly EncodedResource[];
  const encoder = new RowEncoder(
    tenantId,
    waiting.reduce((sum, { text }) => sum + 2 * text.length, 0),
  );
  for (const resource of waiting) encoder.add(resource, resource.owner);
  const block = encoder.finish();
  let row = 0;
  return resources.map((resource) => {
    if (isEncoded(resource)) return resource;
    const { type, rt, id, owner } = resource;
    return { type, rt, id, owner, block, row: row++, text: undefined };
  });
}

const keyOf = ({ rt, id }: ResourceKey): string => `${rt}/${id}`;
