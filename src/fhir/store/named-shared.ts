import type { TenantDatabase } from '#/platform/db/database.ts';
import { rtOf, typeOf } from '../resource-types.ts';
import { searchParametersOf } from '../search/parameters.ts';
import { SHARED_TYPES } from './owner.ts';
import { ofMember, type Reach, reachedRows, reachedTypes, startStatement } from './reach.ts';
import { runStatement } from './search-rows.ts';

/** A shared resource may name another one (a role its practitioner and organization): this many steps are followed. */
const STEPS_MAX = 3;

/**
 * The shared resources that the member's visible resources name, and those that these name, by type: ids. What only
 * withheld resources name is not among them, nor what only types out of the caller's reach name (patient-access.md 1.6, 1.7).
 *
 * @param types all types that there are for members' apps
 */
export async function readNamedShared(
  db: TenantDatabase,
  reach: Reach,
  types: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  const add = (names: readonly string[]): string[] =>
    names.filter((name) => {
      const [type = '', id = ''] = name.split('/');
      const ids = found.get(type) ?? new Set();
      if (!SHARED_TYPES.has(type) || ids.has(id)) return false;
      found.set(type, ids.add(id));
      return true;
    });
  let names = add(await namedByMember(db, reach, types));
  for (let step = 1; step < STEPS_MAX && names.length > 0; step++) names = add(await namedByShared(db, names));
  return found;
}

/** Rows looked at in one statement. An ordinary member has fewer. */
const ROWS_AT_ONCE = 2_000;

/**
 * What the member's visible rows name. `member_ref` says what any row of the member ever named, and from which type; rows are
 * read until each of these is found, so that a member with thousands of claims that name the same few needs few of them.
 */
async function namedByMember(db: TenantDatabase, reach: Reach, types: readonly string[]): Promise<readonly string[]> {
  const sources = new Map(reachedTypes(reach, types).map((type) => [rtOf(type), type] as const));
  const wanted = await readMemberRefs(db, reach, [...sources.keys()]);
  const found = new Set<string>();
  for (let after = { rt: 0, id: '' }; ; ) {
    const open = new Set([...wanted].flatMap(([name, rts]) => (found.has(name) ? [] : rts)));
    const left = [...sources].filter(([rt]) => rt >= after.rt && open.has(rt)).map(([, type]) => type);
    if (left.length === 0) return [...found];
    const chunk = await readNames(db, reach, left, after);
    for (const name of chunk.names) if (wanted.has(name)) found.add(name);
    if (chunk.last === undefined) return [...found];
    after = chunk.last;
  }
}

/** By `Type/id`, the types that ever named it. */
async function readMemberRefs(
  db: TenantDatabase,
  reach: Reach,
  sources: readonly number[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const statement = startStatement(db, reach);
  const result = await runStatement<{ rt: number; id: string; sources: number[] }>(
    db,
    `select m.rt, m.id, array_agg(m.source_rt) as sources from member_ref m
      where ${ofMember('m')} and $4::text[] is not null and m.source_rt = any(${statement.values.add(sources, 'smallint[]')})
      group by m.rt, m.id`,
    statement.values.list,
  );
  return new Map(result.rows.map((row) => [`${typeOf(row.rt)}/${row.id}`, row.sources]));
}

/** What the next rows of these types name; `last` is where they ended, undefined behind the last. */
async function readNames(
  db: TenantDatabase,
  reach: Reach,
  types: readonly string[],
  after: { readonly rt: number; readonly id: string },
): Promise<{ readonly names: readonly string[]; readonly last: { rt: number; id: string } | undefined }> {
  const statement = startStatement(db, reach);
  const { values } = statement;
  const visible = reachedRows(statement, 'r', types);
  const place = `(${values.add(after.rt, 'smallint')}, ${values.add(after.id, 'text')})`;
  const result = await runStatement<{ names: string[] | null; rows: number; rt: number | null; id: string | null }>(
    db,
    `with chunk as materialized (
       select r.rt, r.id, r.refs from resource r where ${visible} and (r.rt, r.id) > ${place} order by r.rt, r.id limit ${ROWS_AT_ONCE}),
     last as (select rt, id from chunk order by rt desc, id desc limit 1)
     select (select array_agg(distinct split_part(f, '>', 2)) from chunk, unnest(chunk.refs) f) as names,
            (select count(*)::int from chunk) as rows, (select rt from last) as rt, (select id from last) as id`,
    values.list,
  );
  const row = result.rows[0]!;
  const isFull = row.rows === ROWS_AT_ONCE && row.rt !== null && row.id !== null;
  return { names: row.names ?? [], last: isFull ? { rt: row.rt!, id: row.id! } : undefined };
}

async function namedByShared(db: TenantDatabase, names: readonly string[]): Promise<readonly string[]> {
  const result = await db.query<{ name: string }>(
    `select distinct split_part(f, '>', 2) as name
       from unnest($2::smallint[], $3::text[]) k (rt, id)
       join shared_resource s on s.tenant_id = $1 and s.id = k.id and s.rt = k.rt and not s.deleted
      cross join unnest(s.refs) f`,
    [db.tenantId, names.map((name) => rtOf(name.split('/')[0]!)), names.map((name) => name.split('/')[1]!)],
  );
  return result.rows.map(({ name }) => name);
}

/**
 * Does a visible resource of the member's name this shared one itself? Answered from the rows of the types that ever named
 * it; most reads end here.
 */
export async function namesShared(
  db: TenantDatabase,
  reach: Reach,
  types: readonly string[],
  shared: { readonly type: string; readonly id: string },
): Promise<boolean> {
  const statement = startStatement(db, reach);
  const sources = reachedTypes(reach, types);
  const visible = reachedRows(statement, 'r', sources);
  const rt = statement.values.add(rtOf(shared.type), 'smallint');
  const id = statement.values.add(shared.id, 'text');
  const keys = statement.values.add(
    ['', ...parametersNaming(sources)].map((code) => `${code}>${shared.type}/${shared.id}`),
    'text[]',
  );
  const result = await db.query(
    `select from resource r
      where ${visible} and r.refs && ${keys}
        and r.rt in (select m.source_rt from member_ref m where m.tenant_id = $1 and m.mk = $2 and m.member_id = $3 and m.rt = ${rt} and m.id = ${id})
      limit 1`,
    statement.values.list,
  );
  return result.rowCount === 1;
}

function parametersNaming(types: readonly string[]): ReadonlySet<string> {
  return new Set(
    types.flatMap((type) =>
      [...searchParametersOf(type).values()].filter(({ type: kind }) => kind === 'reference').map(({ code }) => code),
    ),
  );
}
