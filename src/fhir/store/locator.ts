import type { TenantConnection, WriteTransaction } from '#/platform/db/database.ts';
import { byteaArray, int2Array, textArray } from './copy-writer.ts';

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

/**
 * The row of one key. `offset 0` keeps it a look-up for each key: as a plain join, on a table that a load has just filled and
 * nobody has analysed yet, the planner read all of it for every batch (88 µs a key among 300,000 rows, against 6).
 */
const ONE_ROW = `select * from resource_locator r where r.tenant_id = $1 and r.rt = k.rt and r.id = k.id offset 0`;

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
      cross join lateral (${ONE_ROW}) l`,
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
  readonly source: Uint8Array;
}

/** What the locator says of resources that a feed brings, by their places. */
export interface Compared {
  /** Where those are that said something else, or belonged to another. */
  readonly different: ReadonlyMap<number, Located>;
  /** Those that are as they were. */
  readonly same: ReadonlySet<number>;
  /** Those of the same whose line is not known under the program and the rules of today. */
  readonly outdated: readonly number[];
}

type DifferentRow = readonly [n: number, mk: string, memberId: string, version: number, deleted: boolean];

/** Bytes of a source that tell the program and its rules, and not the line. */
const PROGRAM_BYTES = 4;
const NO_SOURCE = `'\\x${'00'.repeat(16)}'::bytea`;

/**
 * Compares hashes and owners with the locator, in the database: only what differs comes back as rows. The keys go there in
 * binary arrays; as text 5,000 of them took three times as long.
 */
export async function compareHashes(tx: TenantConnection, keys: readonly ComparedKey[]): Promise<Compared> {
  if (keys.length === 0) return { different: new Map(), same: new Set(), outdated: [] };
  const result = await tx.query<{ same: Buffer | null; outdated: Buffer | null; different: DifferentRow[] | null }>(
    `with found as materialized (
       select (k.n - 1)::int as n, l.hash = k.hash and l.member_id = k.member_id as same, l.mk, l.member_id, l.version, l.hash = '' as deleted,
              k.source <> ${NO_SOURCE} and substr(l.source, 1, ${PROGRAM_BYTES}) is distinct from substr(k.source, 1, ${PROGRAM_BYTES}) as outdated
         from unnest($2::smallint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[]) with ordinality as k (rt, id, member_id, hash, source, n)
         cross join lateral (${ONE_ROW}) l)
     select string_agg(int4send(n), '') filter (where same) as same, string_agg(int4send(n), '') filter (where same and outdated) as outdated,
            json_agg(json_build_array(n, mk::text, member_id, version, deleted)) filter (where not same) as different
       from found`,
    [
      tx.tenantId,
      int2Array(keys.map(({ rt }) => rt)),
      textArray(keys.map(({ id }) => id)),
      textArray(keys.map(({ owner }) => owner ?? '')),
      byteaArray(keys.map(({ hash }) => hash)),
      byteaArray(keys.map(({ source }) => source)),
    ],
  );
  const { same, outdated, different } = result.rows[0]!;
  return {
    different: new Map(
      (different ?? []).map(([n, mk, memberId, version, isDeleted]) => {
        const { rt, id } = keys[n] as Key;
        return [n, { rt, id, mk, memberId, version, isDeleted }];
      }),
    ),
    same: new Set(numbersIn(same)),
    outdated: numbersIn(outdated),
  };
}

/** @internal exported for the test of its plan */
export const COMPARE_SOURCES_SQL = `select string_agg(int4send((k.n - 1)::int), '') as same
       from unnest($2::smallint[], $3::text[], $4::bytea[]) with ordinality as k (rt, id, source, n)
      cross join lateral (${ONE_ROW}) l
      where l.source = k.source and l.hash <> ''`;

/** Which of these lines made what is stored now under their keys, by their places. */
export async function compareSources(
  tx: TenantConnection,
  keys: readonly (Key & { readonly source: Uint8Array })[],
): Promise<ReadonlySet<number>> {
  const result = await tx.query<{ same: Buffer | null }>(COMPARE_SOURCES_SQL, [
    tx.tenantId,
    int2Array(keys.map(({ rt }) => rt)),
    textArray(keys.map(({ id }) => id)),
    byteaArray(keys.map(({ source }) => source)),
  ]);
  return new Set(numbersIn(result.rows[0]!.same));
}

/** Has anything here been read from a line? By any one row: a guess that only decides what is tried first. */
export async function knowsSources(queryable: TenantConnection): Promise<boolean> {
  const result = await queryable.query<{ known: boolean }>(
    'select source is not null as known from resource_locator where tenant_id = $1 limit 1',
    [queryable.tenantId],
  );
  return result.rows[0]?.known ?? false;
}

/** The lines of resources that are as they were, for the program of today. */
export async function refreshSources(
  tx: TenantConnection,
  keys: readonly (Key & { readonly source: Uint8Array })[],
): Promise<void> {
  await tx.query(
    `update resource_locator l set source = k.source
       from unnest($2::smallint[], $3::text[], $4::bytea[]) as k (rt, id, source)
      where l.tenant_id = $1 and l.rt = k.rt and l.id = k.id`,
    [
      tx.tenantId,
      int2Array(keys.map(({ rt }) => rt)),
      textArray(keys.map(({ id }) => id)),
      byteaArray(keys.map(({ source }) => source)),
    ],
  );
}

const numbersIn = (bytes: Buffer | null): number[] =>
  Array.from({ length: (bytes?.length ?? 0) / 4 }, (_, i) => (bytes as Buffer).readInt32BE(i * 4));

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
    `update resource_locator l set hash = '', source = null, version = l.version + 1
       from unnest($2::smallint[], $3::text[]) as k (rt, id)
      where l.tenant_id = $1 and l.rt = k.rt and l.id = k.id`,
    [tx.tenantId, rows.map((row) => row.rt), rows.map((row) => row.id)],
  );
}

/** Where the staged rows are now. */
export async function locateStaged(tx: WriteTransaction): Promise<void> {
  await tx.query(
    `insert into resource_locator as l (tenant_id, rt, id, mk, member_id, hash, version, source)
     select $1, rt, id, mk, member_id, hash, version, nullif(source, ${NO_SOURCE}) from stage order by rt, id
     on conflict (tenant_id, rt, id) do update
        set (mk, member_id, hash, version, source) = (excluded.mk, excluded.member_id, excluded.hash, excluded.version, excluded.source)`,
    [tx.tenantId],
  );
}

function fromRow(row: LocatorRow): Located {
  return { rt: row.rt, id: row.id, mk: row.mk, memberId: row.member_id, version: row.version, isDeleted: row.deleted };
}
