import type { TenantDatabase } from '#/platform/db/database.ts';
import { rtOf } from '../resource-types.ts';
import { searchParametersOf } from '../search/parameters.ts';
import { SHARED_TYPES } from './owner.ts';
import { type Reach, reachedRows, reachedTypes, startStatement } from './reach.ts';

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

async function namedByMember(db: TenantDatabase, reach: Reach, types: readonly string[]): Promise<readonly string[]> {
  const statement = startStatement(db, reach);
  const visible = reachedRows(statement, 'r', reachedTypes(reach, types));
  const prefixes = statement.values.add([...SHARED_TYPES], 'text[]');
  const result = await db.query<{ name: string }>(
    `select distinct split_part(f, '>', 2) as name from resource r, unnest(r.refs) f
      where ${visible} and split_part(split_part(f, '>', 2), '/', 1) = any(${prefixes})`,
    statement.values.list,
  );
  return result.rows.map(({ name }) => name);
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
