import type { TenantConnection, WriteTransaction } from '#/platform/db/database.ts';
import { CopyWriter, ELEMENT } from './copy-writer.ts';

/** The advisory lock class under which writers of one tenant take turns. */
const TENANT_WRITER_LOCK_CLASS = 4713;

/** Where a resource is, or was when it was deleted (its hash in the table is empty then). */
export interface Located {
  readonly rt: number;
  readonly id: string;
  readonly mk: string;
  readonly memberId: string;
  readonly version: number;
  readonly isDeleted: boolean;
}

interface Key {
  readonly rt: number;
  readonly id: string;
}

interface LocatorRow {
  rt: number;
  id: string;
  mk: string;
  member_id: string;
  version: number;
  deleted: boolean;
}

export async function lockTenant(tx: WriteTransaction): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1, $2)', [TENANT_WRITER_LOCK_CLASS, tx.tenantId]);
}

/** The locator rows of some keys, by `rt/id`. */
export async function locate(tx: WriteTransaction, keys: readonly Key[]): Promise<Map<string, Located>> {
  const found = new Map<string, Located>();
  if (keys.length === 0) return found;
  const result = await tx.query<LocatorRow>(
    `select l.rt, l.id, l.mk, l.member_id, l.version, l.hash = '' as deleted
       from unnest($2::smallint[], $3::text[]) as k (rt, id)
       join resource_locator l on l.tenant_id = $1 and l.rt = k.rt and l.id = k.id`,
    [tx.tenantId, keys.map(({ rt }) => rt), keys.map(({ id }) => id)],
  );
  for (const row of result.rows) found.set(`${row.rt}/${row.id}`, fromRow(row));
  return found;
}

/** A resource as a feed brings it. */
interface ComparedKey extends Key {
  /** Id of the Patient; null for shared resources. */
  readonly owner: string | null;
  readonly hash: Uint8Array;
}

/** What the locator says of resources that a feed brings: where those are that said something else or belonged to another, and which are as they were. */
export interface Compared {
  /** By the place of the key. */
  readonly different: ReadonlyMap<number, Located>;
  readonly same: ReadonlySet<number>;
}

/**
 * Compares hashes and owners with the locator, in the database: only what differs comes back as rows. The keys go there in
 * binary arrays; as text 5,000 of them took three times as long.
 */
export async function compareHashes(tx: TenantConnection, keys: readonly ComparedKey[]): Promise<Compared> {
  if (keys.length === 0) return { different: new Map(), same: new Set() };
  const arrays = {
    rt: new CopyWriter(keys.length * 6 + 32),
    id: new CopyWriter(keys.length * 40 + 32),
    memberId: new CopyWriter(keys.length * 40 + 32),
    hash: new CopyWriter(keys.length * 20 + 32),
  };
  arrays.rt.arrayHead(ELEMENT.int2, keys.length);
  arrays.id.arrayHead(ELEMENT.text, keys.length);
  arrays.memberId.arrayHead(ELEMENT.text, keys.length);
  arrays.hash.arrayHead(ELEMENT.bytea, keys.length);
  for (const { rt, id, owner, hash } of keys) {
    arrays.rt.int2(rt);
    arrays.id.text(id);
    arrays.memberId.text(owner ?? '');
    arrays.hash.bytes(hash);
  }
  const result = await tx.query<{ same: Buffer | null; different: DifferentRow[] | null }>(
    `with found as materialized (
       select k.n - 1 as n, l.hash = k.hash and l.member_id = k.member_id as same, l.mk, l.member_id, l.version, l.hash = '' as deleted
         from unnest($2::smallint[], $3::text[], $4::text[], $5::bytea[]) with ordinality as k (rt, id, member_id, hash, n)
         join resource_locator l on l.tenant_id = $1 and l.rt = k.rt and l.id = k.id)
     select string_agg(int4send(n::int), '') filter (where same) as same,
            json_agg(json_build_array(n, mk::text, member_id, version, deleted)) filter (where not same) as different
       from found`,
    [tx.tenantId, arrays.rt.finish(), arrays.id.finish(), arrays.memberId.finish(), arrays.hash.finish()],
  );
  const { same, different } = result.rows[0]!;
  return {
    different: new Map(
      (different ?? []).map(([n, mk, memberId, version, isDeleted]) => {
        const { rt, id } = keys[n] as Key;
        return [n, { rt, id, mk, memberId, version, isDeleted }];
      }),
    ),
    same: new Set(Array.from({ length: (same?.length ?? 0) / 4 }, (_, i) => (same as Buffer).readInt32BE(i * 4))),
  };
}

type DifferentRow = readonly [n: number, mk: string, memberId: string, version: number, deleted: boolean];

/** The owners of targets that are there and not deleted, by `rt/id`. */
export async function locateTargets(tx: WriteTransaction, keys: readonly Key[]): Promise<[string, string | null][]> {
  const located = await locate(tx, keys);
  return [...located]
    .filter(([, row]) => !row.isDeleted)
    .map(([key, row]) => [key, row.memberId === '' ? null : row.memberId]);
}

/** Marks resources as deleted: an empty hash, the next version. */
export async function locateDeleted(tx: WriteTransaction, rows: readonly Located[]): Promise<void> {
  await tx.query(
    `update resource_locator l set hash = '', version = l.version + 1
       from unnest($2::smallint[], $3::text[]) as k (rt, id)
      where l.tenant_id = $1 and l.rt = k.rt and l.id = k.id`,
    [tx.tenantId, rows.map((row) => row.rt), rows.map((row) => row.id)],
  );
}

/** Where the staged rows are now. */
export async function locateStaged(tx: WriteTransaction): Promise<void> {
  await tx.query(
    `insert into resource_locator as l (tenant_id, rt, id, mk, member_id, hash, version)
     select $1, rt, id, mk, member_id, hash, version from stage order by rt, id
     on conflict (tenant_id, rt, id) do update
        set (mk, member_id, hash, version) = (excluded.mk, excluded.member_id, excluded.hash, excluded.version)`,
    [tx.tenantId],
  );
}

function fromRow(row: LocatorRow): Located {
  return { rt: row.rt, id: row.id, mk: row.mk, memberId: row.member_id, version: row.version, isDeleted: row.deleted };
}
