import type { WriteTransaction } from '#/platform/db/database.ts';

/** The advisory lock class under which writers of one tenant take turns. */
const TENANT_WRITER_LOCK_CLASS = 4713;

/** Where a resource is and what it said last; an empty hash: it was deleted. */
export interface Located {
  readonly rt: number;
  readonly id: string;
  readonly mk: string;
  readonly memberId: string;
  readonly version: number;
  readonly hash: Uint8Array;
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
  hash: Buffer;
}

export async function lockTenant(tx: WriteTransaction): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1, $2)', [TENANT_WRITER_LOCK_CLASS, tx.tenantId]);
}

/** The locator rows of some keys, by `rt/id`. */
export async function locate(tx: WriteTransaction, keys: readonly Key[]): Promise<Map<string, Located>> {
  const found = new Map<string, Located>();
  if (keys.length === 0) return found;
  const result = await tx.query<LocatorRow>(
    `select l.rt, l.id, l.mk, l.member_id, l.version, l.hash
       from unnest($2::smallint[], $3::text[]) as k (rt, id)
       join resource_locator l on l.tenant_id = $1 and l.rt = k.rt and l.id = k.id`,
    [tx.tenantId, keys.map(({ rt }) => rt), keys.map(({ id }) => id)],
  );
  for (const row of result.rows) found.set(`${row.rt}/${row.id}`, fromRow(row));
  return found;
}

/** The owners of targets that are there and not deleted, by `rt/id`. */
export async function locateTargets(tx: WriteTransaction, keys: readonly Key[]): Promise<[string, string | null][]> {
  const located = await locate(tx, keys);
  return [...located]
    .filter(([, row]) => row.hash.length > 0)
    .map(([key, row]) => [key, row.memberId === '' ? null : row.memberId]);
}

export async function upsertLocators(tx: WriteTransaction, rows: readonly Located[]): Promise<void> {
  await tx.query(
    `insert into resource_locator as l (tenant_id, rt, id, mk, member_id, hash, version)
     select $1, k.rt, k.id, k.mk, k.member_id, k.hash, k.version
       from unnest($2::smallint[], $3::text[], $4::bigint[], $5::text[], $6::bytea[], $7::int[]) as k (rt, id, mk, member_id, hash, version)
      order by k.rt, k.id
     on conflict (tenant_id, rt, id) do update
        set (mk, member_id, hash, version) = (excluded.mk, excluded.member_id, excluded.hash, excluded.version)`,
    [
      tx.tenantId,
      rows.map((row) => row.rt),
      rows.map((row) => row.id),
      rows.map((row) => row.mk),
      rows.map((row) => row.memberId),
      rows.map((row) => Buffer.from(row.hash)),
      rows.map((row) => row.version),
    ],
  );
}

function fromRow(row: LocatorRow): Located {
  return { rt: row.rt, id: row.id, mk: row.mk, memberId: row.member_id, version: row.version, hash: row.hash };
}
