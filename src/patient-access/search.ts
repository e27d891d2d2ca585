import type { IncludeSteps } from '#/fhir/store/include-rows.ts';
import { readNamedShared } from '#/fhir/store/named-shared.ts';
import { SHARED_TYPES } from '#/fhir/store/owner.ts';
import { countRows, type FoundRow, hasMoreRows, type Position, readPage } from '#/fhir/store/search-rows.ts';
import type { Caller } from './caller.ts';
import { followIncludes, INCLUDED_MAX, stepsFrom } from './includes.ts';
import { lookAtRows, type Resolved, resolveConditions } from './resolve-conditions.ts';
import type { SearchRequest } from './search-request.ts';
import { comparePlaces, placeOf, type SortedPlace } from './sort-keys.ts';

/** Where a member has more of a type, what does not fit on one page is counted only for `_total=accurate`. */
export const TOTAL_COUNTED_MAX = 1_000;
/** What `int` of PostgreSQL holds. */
const EVERY_ROW = 2_147_483_647;

/** Where the next page goes on: in the order of the index, or in one that was asked for. */
export type PagePlace =
  | { readonly kind: 'date'; readonly position: Position }
  | { readonly kind: 'sorted'; readonly place: SortedPlace };

export interface PageStart {
  readonly place: PagePlace;
  readonly total: number | undefined;
}

export interface SearchPage {
  readonly matches: readonly FoundRow[];
  readonly included: readonly FoundRow[];
  /** All matches; undefined when they were not counted. */
  readonly total: number | undefined;
  readonly next: PagePlace | undefined;
  /** There was more to include than one page may hold. */
  readonly cut: boolean;
}

/**
 * One page of a search: in the order of the index (principal date, newest first) where columns decide; otherwise the rows that
 * may be found are looked at.
 *
 * @param start where the page before ended
 * @throws FhirRefusal 400 `too-costly`
 *
 * Source: storage.md 4; patient-access.md 3.4.
 */
export async function searchPage(
  caller: Caller,
  request: SearchRequest,
  start: PageStart | undefined,
): Promise<SearchPage> {
  const named = once(() => readNamedShared(caller.db, caller.search, caller.types));
  const conditions = await resolveConditions(caller, request.type, request.conditions, named);
  const resolved = needsNamed(request, caller)
    ? { ...conditions, query: { ...conditions.query, named: await named() } }
    : conditions;
  const isLookedAt = resolved.look !== undefined || request.sort.length > 0;
  if (request.summary === 'count') {
    const total = isLookedAt
      ? (await lookAtRows(caller, resolved, { keys: [], refs: false })).length
      : await countRows(caller.db, caller.search, resolved.query, EVERY_ROW);
    return { matches: [], included: [], total, next: undefined, cut: false };
  }
  const page = isLookedAt
    ? await sortedPage(caller, request, resolved, start)
    : await directPage(caller, request, resolved, start);
  const included = await followIncludes(caller, page.matches, page.included, request.includes, resolved.query.named);
  return { ...page, included: included.rows, cut: included.cut };
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => {
    value ??= read();
    return value;
  };
}

/** Only backwards a shared row comes in that no visible row names; those that are followed forwards are named by one. */
function needsNamed({ includes }: SearchRequest, { types }: Caller): boolean {
  return includes.some(
    ({ kind, source }) => kind === 'revinclude' && types.includes(source) && SHARED_TYPES.has(source),
  );
}

type Page = Omit<SearchPage, 'cut'>;

async function directPage(
  caller: Caller,
  request: SearchRequest,
  { query }: Resolved,
  start: PageStart | undefined,
): Promise<Page> {
  const { count } = request;
  const after = start?.place.kind === 'date' ? start.place.position : undefined;
  const rows = await readPage(
    caller.db,
    caller,
    query,
    { limit: count + 1, shown: count, after },
    includeSteps(caller, request),
  );
  const found = rows.filter(({ kind }) => kind === 'match');
  const matches = found.slice(0, count);
  const last = matches.at(-1);
  const hasMore = found.length > count && last !== undefined;
  return {
    matches,
    included: rows.filter(({ kind }) => kind === 'include'),
    total: await totalOf(),
    next: hasMore ? { kind: 'date', position: { date: last.date, id: last.id } } : undefined,
  };

  async function totalOf(): Promise<number | undefined> {
    if (request.total === 'none') return undefined;
    if (start) return start.total;
    if (!hasMore) return matches.length;
    if (request.total !== 'accurate' && (await hasMoreRows(caller.db, caller.search, query.type, TOTAL_COUNTED_MAX)))
      return undefined;
    return countRows(caller.db, caller.search, query, EVERY_ROW);
  }
}

function includeSteps(caller: Caller, { type, includes }: SearchRequest): IncludeSteps {
  return {
    ...stepsFrom(type, includes, caller.types),
    limit: INCLUDED_MAX + 1,
    withRefs: includes.some(({ iterate }) => iterate),
  };
}

/** Everything that may be found is put in order; the page is cut out behind the place where the one before ended. */
async function sortedPage(
  caller: Caller,
  request: SearchRequest,
  resolved: Resolved,
  start: PageStart | undefined,
): Promise<Page> {
  const { sort, count } = request;
  const rows = await lookAtRows(caller, resolved, { keys: sort.map(({ parameter }) => parameter), refs: false });
  const compare = sort.length > 0 ? comparePlaces(sort) : compareDates;
  const places = rows
    .map((row) => (sort.length > 0 ? placeOf(row, sort) : { id: row.id, values: [row.date] }))
    .sort(compare);
  const after = start?.place.kind === 'sorted' ? start.place.place : undefined;
  const left = after === undefined ? places : places.filter((place) => compare(place, after) > 0);
  const shown = left.slice(0, count);
  const last = shown.at(-1);
  const total = request.total === 'none' ? undefined : start ? start.total : rows.length;
  const next = left.length > count && last ? ({ kind: 'sorted', place: last } as const) : undefined;
  if (shown.length === 0) return { matches: [], included: [], total, next };
  const ids = shown.map(({ id }) => id);
  const read = await readPage(
    caller.db,
    caller,
    { ...resolved.query, ids },
    { limit: ids.length, shown: ids.length },
    includeSteps(caller, request),
  );
  const order = new Map(ids.map((id, i) => [id, i]));
  return {
    matches: read
      .filter(({ kind }) => kind === 'match')
      .sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0)),
    included: read.filter(({ kind }) => kind === 'include'),
    total,
    next,
  };
}

/** The order of the index: newest first, before them what has no date, equal ones by id. */
function compareDates(a: SortedPlace, b: SortedPlace): number {
  const [x = null] = a.values;
  const [y = null] = b.values;
  if (x !== y) {
    if (x === null) return -1;
    if (y === null) return 1;
    return Date.parse(String(x)) > Date.parse(String(y)) ? -1 : 1;
  }
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
