import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { TenantDatabase } from '#/platform/db/database.ts';
import { rtOf } from '../resource-types.ts';
import { SEPARATOR } from '../search/search-keys.ts';
import type { Criterion } from '../search/search-query.ts';
import { criterionSql } from './criteria-sql.ts';
import { type IncludeSteps, includeArms } from './include-rows.ts';
import { SHARED_TYPES } from './owner.ts';
import {
  ofMember,
  ofNobody,
  ofTypes,
  type Reach,
  type ReachStatement,
  reachedRows,
  released,
  startStatement,
} from './reach.ts';

/** What one caller reaches, by what it does: `search` finds, `read` follows a reference. */
export interface CallerReach {
  readonly search: Reach;
  readonly read: Reach;
  /** All types that there are for members' apps. */
  readonly types: readonly string[];
}

/** By type, the ids of shared resources that the caller may find; for searches of shared types only. */
export type NamedShared = ReadonlyMap<string, ReadonlySet<string>>;

/** The rows of one type that a search may find. Every criterion must be one that columns decide. */
export interface RowsQuery {
  readonly type: string;
  readonly criteria: readonly Criterion[];
  /** Set: only these. */
  readonly ids?: readonly string[];
  readonly named: NamedShared;
  readonly now: Date;
  /** Set: only what was written at this instant or later, whatever the source says of its time. */
  readonly changedSince?: string;
  /** Set: only what overlaps these milliseconds by its principal date; what has none stays. Own resources only. */
  readonly within?: { readonly from: number | undefined; readonly to: number | undefined };
}

/** Where a page ended, in the order of the index: principal date, newest first and those without one before, then id. */
export interface Position {
  readonly date: string | null;
  readonly id: string;
}

export interface FoundRow {
  readonly kind: 'match' | 'include';
  readonly rt: number;
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: Date;
  readonly content: string;
  readonly date: string | null;
  /** Of included rows, when something follows from them. */
  readonly refs: readonly string[];
}

/** Statements of at most this many shapes are kept prepared; what a caller composes beyond them is planned each time. */
const PREPARED_MAX = 200;
const prepared = new Map<string, string>();

/** Runs a statement as a named one while there are few shapes. */
export function runStatement<Row extends pg.QueryResultRow>(
  db: TenantDatabase,
  text: string,
  values: readonly unknown[],
): Promise<pg.QueryResult<Row>> {
  let name = prepared.get(text);
  if (name === undefined) {
    if (prepared.size >= PREPARED_MAX) return db.query<Row>(text, values);
    name = `search-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    prepared.set(text, name);
  }
  return db.read<Row>({ name, text, values });
}

/** The condition on rows, and the table they are in. */
export function rowsSql(
  statement: ReachStatement,
  query: RowsQuery,
): { readonly from: string; readonly where: string } {
  const { values } = statement;
  const isShared = SHARED_TYPES.has(query.type);
  const conditions = [
    isShared
      ? `${ofNobody('r')} and not r.deleted and ${ofTypes(statement, 'r', [query.type])} and ${released('r')}
         and r.id = any(${values.add([...(query.named.get(query.type) ?? [])], 'text[]')})`
      : reachedRows(statement, 'r', [query.type]),
    ...query.criteria.map((criterion) => {
      const condition = criterionSql(criterion, 'r', values, query.now);
      if (condition === undefined) throw new Error('a criterion that no column decides got into a statement');
      return condition;
    }),
    ...(query.ids ? [`r.id = any(${values.add(query.ids, 'text[]')})`] : []),
    ...(query.changedSince === undefined ? [] : [`r.changed_at >= ${values.add(query.changedSince, 'timestamptz')}`]),
    ...(query.within?.from === undefined
      ? []
      : [`(r.date_hi is null or r.date_hi >= ${values.add(new Date(query.within.from), 'timestamptz')})`]),
    ...(query.within?.to === undefined
      ? []
      : [`(r.date_lo is null or r.date_lo <= ${values.add(new Date(query.within.to), 'timestamptz')})`]),
  ];
  return {
    from: isShared ? 'shared_resource' : 'resource',
    where: conditions.join(' and '),
  };
}

interface PageRow {
  kind: number;
  n: number;
  rt: number;
  id: string;
  version: number;
  last_updated: Date;
  content: string;
  date: string | null;
  refs: string[] | null;
}

/**
 * One page of a search with what it includes, in one statement.
 *
 * @param limit rows at most; ask for one more than are shown to see whether there is more
 * @param shown of these, the rows whose includes are read
 */
export async function readPage(
  db: TenantDatabase,
  caller: CallerReach,
  query: RowsQuery,
  page: { readonly limit: number; readonly shown: number; readonly after?: Position | undefined },
  steps: IncludeSteps,
): Promise<readonly FoundRow[]> {
  const statement = startStatement(db, caller.search);
  const { values } = statement;
  const { from, where } = rowsSql(statement, query);
  const date = from === 'resource' ? 'r.date_lo' : 'null::timestamptz';
  const order = from === 'resource' ? 'r.date_lo desc, r.id' : 'r.id';
  const arms = includeArms(statement, caller, steps, query.named);
  const columns = (alias: string, n: string): string =>
    `${n} as n, ${alias}.rt, ${alias}.id, ${alias}.version, ${alias}.last_updated, ${alias}.content`;
  const after = page.after === undefined ? '' : ` and ${afterSql(page.after, values, from === 'resource')}`;
  const base = `from ${from} r where ${where}${after} order by ${order} limit ${values.add(page.limit, 'int')}`;
  const text =
    arms === undefined
      ? `select 0 as kind, ${columns('r', '0')}, ${date}::text as date, null::text[] as refs ${base}`
      : `with page as materialized (
           select row_number() over (order by ${order}) as n, r.rt, r.id, r.version, r.last_updated, r.content, ${date} as date_lo, r.refs ${base}),
         shown as (select rt, id, refs from page where n <= ${values.add(page.shown, 'int')}), ${arms.wanted}
         select 0 as kind, ${columns('p', 'p.n')}, p.date_lo::text as date, null::text[] as refs from page p
         union all (${arms.rows})`;
  const result = await runStatement<PageRow>(db, text, values.list);
  const rows = arms === undefined ? result.rows : result.rows.sort((a, b) => a.kind - b.kind || a.n - b.n);
  return rows.map(foundRow);
}

export const foundRow = (row: PageRow): FoundRow => ({
  kind: row.kind === 0 ? 'match' : 'include',
  rt: row.rt,
  id: row.id,
  version: row.version,
  lastUpdated: row.last_updated,
  content: row.content,
  date: row.date,
  refs: row.refs ?? [],
});

function afterSql({ date, id }: Position, values: ReachStatement['values'], isDated: boolean): string {
  const last = values.add(id, 'text');
  if (!isDated) return `r.id > ${last}`;
  if (date === null) return `(r.date_lo is not null or r.id > ${last})`;
  const at = values.add(date, 'timestamptz');
  return `r.date_lo <= ${at} and (r.date_lo < ${at} or r.id > ${last})`;
}

/** How many rows a search finds; counting stops at `limit`. */
export async function countRows(db: TenantDatabase, reach: Reach, query: RowsQuery, limit: number): Promise<number> {
  const statement = startStatement(db, reach);
  const { from, where } = rowsSql(statement, query);
  const text = `select count(*)::int as count from (select from ${from} r where ${where} limit ${statement.values.add(limit, 'int')}) c`;
  const result = await runStatement<{ count: number }>(db, text, statement.values.list);
  return result.rows[0]?.count ?? 0;
}

/**
 * Has the member more than `limit` rows of a type? Asks nothing of a row that is stored apart from it, as keys of claims are:
 * a tenth of the time of a search that counts.
 */
export async function hasMoreRows(db: TenantDatabase, reach: Reach, type: string, limit: number): Promise<boolean> {
  const { values } = startStatement(db, reach);
  const text = `select count(*)::int as count from (select from resource r where ${ofMember('r')} and $4::text[] is not null
    and not r.deleted and r.rt = ${values.add(rtOf(type), 'smallint')} limit ${values.add(limit + 1, 'int')}) c`;
  const result = await runStatement<{ count: number }>(db, text, values.list);
  return (result.rows[0]?.count ?? 0) > limit;
}

/** What a search needs to know of a row that it has to look at itself. */
export interface CandidateRow {
  readonly id: string;
  readonly date: string | null;
  readonly lastUpdated: Date;
  readonly tokens: readonly string[];
  readonly refs: readonly string[];
  readonly extra: Readonly<Record<string, readonly unknown[]>>;
  /** '' unless asked for. */
  readonly content: string;
}

/** Rows read at once while candidates are looked at. */
const CANDIDATES_AT_ONCE = 500;

/** What is needed of candidates: the keys of some parameters, the references, the whole resource. */
export interface CandidateNeeds {
  readonly keys: readonly { readonly code: string; readonly type: string }[];
  readonly refs: boolean;
  readonly content: boolean;
}

/** Every row of a query in the order of ids, some at a time. */
export async function* readCandidates(
  db: TenantDatabase,
  reach: Reach,
  query: RowsQuery,
  needs: CandidateNeeds,
): AsyncGenerator<CandidateRow> {
  for (let after = ''; ; ) {
    const statement = startStatement(db, reach);
    const { values } = statement;
    const { from, where } = rowsSql(statement, query);
    const text = `select r.id, ${from === 'resource' ? 'r.date_lo' : 'null'}::text as date, r.last_updated, ${keyColumns(needs, values)},
        ${needs.content ? 'r.content' : "''"} as content
      from ${from} r where ${where} and r.id > ${values.add(after, 'text')} order by r.id limit ${CANDIDATES_AT_ONCE}`;
    const result = await runStatement<CandidateSql>(db, text, values.list);
    for (const row of result.rows) yield { ...row, lastUpdated: row.last_updated, extra: row.extra ?? {} };
    const last = result.rows.at(-1);
    if (last === undefined || result.rows.length < CANDIDATES_AT_ONCE) return;
    after = last.id;
  }
}

/** Only what is asked for of the columns that searches compare with: a claim has some thousand bytes of them. */
function keyColumns({ keys, refs }: CandidateNeeds, values: ReachStatement['values']): string {
  const starts = keys.filter(({ type }) => type === 'token').map(({ code }) => `${code}${SEPARATOR}*${SEPARATOR}`);
  const references = keys.filter(({ type }) => type === 'reference').map(({ code }) => `${code}>`);
  const kept = keys.filter(({ type }) => type !== 'token' && type !== 'reference').map(({ code }) => code);
  const only = (column: string, prefixes: readonly string[]): string =>
    prefixes.length === 0
      ? "'{}'::text[]"
      : `array(select k from unnest(${column}) k where exists (select from unnest(${values.add(prefixes, 'text[]')}) p where starts_with(k, p)))`;
  const extra =
    kept.length === 0
      ? 'null::jsonb'
      : `(select jsonb_object_agg(k, r.extra -> k) from unnest(${values.add(kept, 'text[]')}) k where r.extra ? k)`;
  return `${only('r.tokens', starts)} as tokens, ${refs ? 'r.refs' : only('r.refs', references)} as refs, ${extra} as extra`;
}

interface CandidateSql {
  id: string;
  date: string | null;
  last_updated: Date;
  tokens: string[];
  refs: string[];
  extra: Record<string, unknown[]> | null;
  content: string;
}
