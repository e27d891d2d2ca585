import type { TenantDatabase } from '#/platform/db/database.ts';
import { rtOf } from '../resource-types.ts';
import { SHARED_TYPES } from './owner.ts';
import { ofNobody, ofTypes, type ReachStatement, reachedRows, released, startStatement } from './reach.ts';
import { type CallerReach, type FoundRow, foundRow, type NamedShared, runStatement } from './search-rows.ts';

/** A reference that is followed from a row to what it names: `parameter>Target`. */
export interface IncludeStep {
  readonly prefix: string;
  readonly target: string;
}

/** A reference that is followed back to the rows that name this one: `parameter>Type` in rows of `source`. */
export interface RevincludeStep {
  readonly prefix: string;
  readonly source: string;
}

export interface IncludeSteps {
  readonly forward: readonly IncludeStep[];
  readonly back: readonly RevincludeStep[];
  /** Included rows at most, plus one to see that there are more. */
  readonly limit: number;
  /** Are references of included rows needed, because something follows from them? */
  readonly withRefs: boolean;
}

/**
 * The two parts of a statement that reads includes of the rows in its table `shown (rt, id, refs)`. Own rows come by the
 * caller's reach; shared ones by being named in a row that the caller sees, or, backwards, in the list of named ones.
 *
 * @returns undefined when nothing is to be included
 */
export function includeArms(
  statement: ReachStatement,
  caller: CallerReach,
  steps: IncludeSteps,
  named: NamedShared,
): { readonly wanted: string; readonly rows: string } | undefined {
  if (steps.forward.length === 0 && steps.back.length === 0) return undefined;
  const { values } = statement;
  const read: ReachStatement = { values, reach: caller.read };
  const columns = (row: string): string =>
    `1 as kind, 0 as n, ${row}.rt, ${row}.id, ${row}.version, ${row}.last_updated, ${row}.content, null as date, ${steps.withRefs ? `${row}.refs` : 'null::text[]'} as refs`;
  const isWanted = (row: string): string =>
    `${row}.id = any(array(select id from wanted)) and exists (select from wanted w where w.rt = ${row}.rt and w.id = ${row}.id)`;
  const wanted = `wanted as materialized (
    select distinct i.rt, split_part(f, '/', 2) collate "C" as id from shown cross join unnest(shown.refs) f
      join unnest(${values.add(
        steps.forward.map(({ prefix }) => prefix),
        'text[]',
      )}, ${values.add(
        steps.forward.map(({ target }) => rtOf(target)),
        'smallint[]',
      )}) i (prefix, rt) on i.prefix = split_part(f, '/', 1)),
    back as materialized (
    select b.rt, b.prefix || '/' || shown.id as key from shown
      cross join unnest(${values.add(
        steps.back.map(({ prefix }) => prefix),
        'text[]',
      )}, ${values.add(
        steps.back.map(({ source }) => rtOf(source)),
        'smallint[]',
      )}) b (prefix, rt) where split_part(b.prefix, '>', 2) = (select t.name from unnest(${values.add(
        caller.types,
        'text[]',
      )}, ${values.add(caller.types.map(rtOf), 'smallint[]')}) t (name, rt) where t.rt = shown.rt))`;
  const targets = distinct(steps.forward.map(({ target }) => target)).filter((type) => caller.types.includes(type));
  const sources = distinct(steps.back.map(({ source }) => source)).filter((type) => caller.types.includes(type));
  const isBack = (row: string): string =>
    `${row}.refs && array(select key from back) and exists (select from back where back.rt = ${row}.rt and back.key = any(${row}.refs))`;
  const own = (types: readonly string[]): readonly string[] => types.filter((type) => !SHARED_TYPES.has(type));
  const shared = (types: readonly string[]): readonly string[] => types.filter((type) => SHARED_TYPES.has(type));
  const ofShared = (rows: ReachStatement, types: readonly string[]): string =>
    `${ofNobody('s')} and not s.deleted and ${ofTypes(rows, 's', types)} and ${released('s')}`;
  const arms = [
    ...(own(targets).length > 0
      ? [`select ${columns('r')} from resource r where ${reachedRows(read, 'r', own(targets))} and ${isWanted('r')}`]
      : []),
    ...(shared(targets).length > 0
      ? [`select ${columns('s')} from shared_resource s where ${ofShared(read, shared(targets))} and ${isWanted('s')}`]
      : []),
    ...(own(sources).length > 0
      ? [`select ${columns('r')} from resource r where ${reachedRows(statement, 'r', own(sources))} and ${isBack('r')}`]
      : []),
    ...(shared(sources).length > 0
      ? [
          `select ${columns('s')} from shared_resource s where ${ofShared(statement, shared(sources))} and s.id = any(${values.add(
            shared(sources).flatMap((type) => [...(named.get(type) ?? [])]),
            'text[]',
          )}) and ${isBack('s')}`,
        ]
      : []),
  ];
  if (arms.length === 0) return undefined;
  return { wanted, rows: `select * from (${arms.join(' union all ')}) i limit ${values.add(steps.limit, 'int')}` };
}

/** What follows from rows that were included (`:iterate`), by the references they gave. */
export async function readFollowing(
  db: TenantDatabase,
  caller: CallerReach,
  from: readonly Pick<FoundRow, 'rt' | 'id' | 'refs'>[],
  steps: IncludeSteps,
  named: NamedShared,
): Promise<readonly FoundRow[]> {
  const statement = startStatement(db, caller.search);
  const { values } = statement;
  const refs = from.flatMap((row) => row.refs.map((ref) => [row, ref] as const));
  const shown = `shown as (select k.rt, k.id, array(select x.ref from unnest(${values.add(
    refs.map(([row]) => row.rt),
    'smallint[]',
  )}, ${values.add(
    refs.map(([row]) => row.id),
    'text[]',
  )}, ${values.add(
    refs.map(([, ref]) => ref),
    'text[]',
  )}) x (rt, id, ref) where x.rt = k.rt and x.id = k.id) as refs
    from unnest(${values.add(
      from.map(({ rt }) => rt),
      'smallint[]',
    )}, ${values.add(
      from.map(({ id }) => id),
      'text[]',
    )}) k (rt, id))`;
  const arms = includeArms(statement, caller, steps, named);
  if (arms === undefined) return [];
  const result = await runStatement<Parameters<typeof foundRow>[0]>(
    db,
    `with ${shown}, ${arms.wanted} ${arms.rows}`,
    values.list,
  );
  return result.rows.map(foundRow);
}

const distinct = (values: readonly string[]): readonly string[] => [...new Set(values)];
