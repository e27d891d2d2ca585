import { isResourceType } from '#/fhir/resource-types.ts';
import { SHARED_TYPES } from '#/fhir/store/owner.ts';
import type { FoundRow } from '#/fhir/store/search-rows.ts';
import { outcomeEntry, renderBundle, renderQuery, searchEntry } from './bundle.ts';
import type { Caller } from './caller.ts';
import { contentCut } from './content-cut.ts';
import type { Cursors } from './cursors.ts';
import { docrefSearch } from './docref.ts';
import { type EverythingPlace, everythingPage, parseEverything } from './everything.ts';
import { readCurrent, readHistory, readVersion, requireType } from './read.ts';
import { notFound, tooCostly, unknownOperation, unknownType } from './refusals.ts';
import { type PageStart, searchPage } from './search.ts';
import { type Pair, parseSearchRequest, type RequestRules, type SearchRequest } from './search-request.ts';

/** Longer addresses are not followed everywhere. */
export const ADDRESS_CHARACTERS_MAX = 8_000;

/** One request of an app, parsed as far as routing does. */
export interface Call {
  readonly caller: Caller;
  readonly cursors: Cursors;
  /** The FHIR base that the request came by, for links. */
  readonly base: string;
  /** Both addresses of the FHIR base. */
  readonly bases: readonly string[];
  readonly strict: boolean;
  readonly pairs: readonly Pair[];
}

/** What goes out, and what the record says of it. */
export interface Answer {
  readonly text: string;
  readonly version?: { readonly version: number; readonly lastUpdated: Date };
  readonly results?: number;
  readonly included?: number;
  /** A parameter that named another person than the member. */
  readonly otherMember?: string | undefined;
}

const INCLUDES_CUT = 'There was more to include than one page may hold. Ask for fewer matches a page with _count.';

/** Source: FHIR R4 http.html#read */
export async function read({ caller }: Call, type: string, id: string): Promise<Answer> {
  requireKnown(type, id);
  const found = await readCurrent(caller, type, id);
  return { text: found.content, version: found };
}

/** Source: FHIR R4 http.html#vread */
export async function vread({ caller }: Call, type: string, id: string, version: string): Promise<Answer> {
  requireKnown(type, id);
  const found = await readVersion(caller, type, id, version);
  return { text: found.content, version: found };
}

/** Source: FHIR R4 http.html#history */
export async function history({ caller, base }: Call, type: string, id: string): Promise<Answer> {
  requireKnown(type, id);
  const versions = await readHistory(caller, type, id);
  const url = `${type}/${id}`;
  const entries = versions.map(({ version, lastUpdated, deleted, content }) => {
    const request = `"request":{"method":"${deleted ? 'DELETE' : version === 1 ? 'POST' : 'PUT'}","url":"${!deleted && version === 1 ? type : url}"}`;
    const response = `"response":{"status":"${deleted ? '204' : version === 1 ? '201' : '200'}","etag":"W/\\"${version}\\"","lastModified":"${lastUpdated.toISOString()}"}`;
    return `{"fullUrl":"${base}/${url}",${deleted ? '' : `"resource":${content},`}${request},${response}}`;
  });
  const links = [{ relation: 'self', url: `${base}/${url}/_history` }] as const;
  const text = renderBundle('history', { now: caller.now, total: entries.length, links, entries });
  return { text, results: entries.length };
}

/**
 * @param path what the links name: `Observation`, or `Patient/1/Observation` of a compartment
 *
 * Source: FHIR R4 http.html#search
 */
export async function search(call: Call, type: string, path: string = type): Promise<Answer> {
  requireKnown(type);
  const { caller, cursors, pairs } = call;
  requireType(caller, type, caller.search);
  const page = pairs.find(([name]) => name === '_page')?.[1];
  const cursor =
    page === undefined
      ? undefined
      : cursors.read<{ readonly applied: readonly Pair[]; readonly start: PageStart }>(
          caller.access,
          `search ${path}`,
          page,
          caller.now,
        );
  const startedAt = cursor?.startedAt ?? caller.now.getTime();
  const rules: RequestRules = { strict: call.strict, bases: call.bases, types: caller.types };
  const request = parseSearchRequest(type, cursor?.state.applied ?? pairs, rules);
  // `ap` of a date is about now: the same now on every page.
  const found = await searchPage({ ...caller, now: new Date(startedAt) }, request, cursor?.state.start);
  const cut = contentCut(request);
  const url = `${call.base}/${path}`;
  const next =
    found.next &&
    cursors.write(caller.access, {
      of: `search ${path}`,
      state: { applied: request.applied, start: { place: found.next, total: found.total } },
      startedAt,
    });
  const text = renderBundle('searchset', {
    now: caller.now,
    total: found.total,
    links: linksOf(url, cursor ? [['_page', page ?? '']] : request.applied, next),
    entries: [
      ...[...found.matches, ...found.included].map((row) => searchEntry(call.base, row, cut(row))),
      ...(found.cut ? [outcomeEntry(INCLUDES_CUT)] : []),
    ],
  });
  return {
    text,
    results: found.matches.length,
    included: found.included.length,
    otherMember: otherMemberIn(request, caller),
  };
}

/** `Patient/{id}/{Type}`: the member's compartment is all that there is, so another id is not there. */
export async function searchCompartment(call: Call, id: string, type: string): Promise<Answer> {
  requireKnown(type);
  if (id !== call.caller.search.patientId) throw notFound();
  if (SHARED_TYPES.has(type)) throw unknownOperation();
  return search(call, type, `Patient/${id}/${type}`);
}

/** @param id absent: the member of the token */
export async function everything(call: Call, id: string | undefined): Promise<Answer> {
  const { caller, cursors, pairs } = call;
  requireType(caller, 'Patient');
  if (id !== undefined && id !== caller.search.patientId) throw notFound();
  const path = id === undefined ? 'Patient/$everything' : `Patient/${id}/$everything`;
  const page = pairs.find(([name]) => name === '_page')?.[1];
  const cursor =
    page === undefined
      ? undefined
      : cursors.read<{ readonly applied: readonly Pair[]; readonly place: EverythingPlace }>(
          caller.access,
          'everything',
          page,
          caller.now,
        );
  const request = parseEverything(cursor?.state.applied ?? pairs, caller, call.strict);
  const found = await everythingPage(caller, request, cursor?.state.place);
  const next =
    found.next &&
    cursors.write(caller.access, {
      of: 'everything',
      state: { applied: request.applied, place: found.next },
      startedAt: cursor?.startedAt ?? caller.now.getTime(),
    });
  const text = renderBundle('searchset', {
    now: caller.now,
    total: found.total,
    links: linksOf(`${call.base}/${path}`, cursor ? [['_page', page ?? '']] : request.applied, next),
    entries: found.rows.map((row: FoundRow) => searchEntry(call.base, row, row.content)),
  });
  return { text, results: found.rows.length };
}

export async function docref(call: Call): Promise<Answer> {
  const isNext = call.pairs.some(([name]) => name === '_page');
  return search({ ...call, pairs: isNext ? call.pairs : docrefSearch(call.pairs) }, 'DocumentReference');
}

function requireKnown(type: string, id?: string): void {
  if (!isResourceType(type)) throw type.startsWith('$') ? unknownOperation() : unknownType();
  if (id?.startsWith('$') || id?.startsWith('_')) throw unknownOperation();
}

function linksOf(url: string, applied: readonly Pair[], next: string | undefined) {
  if (next !== undefined && url.length + next.length > ADDRESS_CHARACTERS_MAX)
    throw tooCostly('This search is too long to be paged through. Use fewer values.');
  return [
    { relation: 'self', url: url + renderQuery(applied) } as const,
    ...(next === undefined ? [] : [{ relation: 'next', url: `${url}?_page=${next}` } as const]),
  ];
}

/** A search that names another person finds nothing by itself; the record should tell all the same. */
function otherMemberIn({ conditions }: SearchRequest, { search: { patientId } }: Caller): string | undefined {
  for (const condition of conditions) {
    if (condition.kind !== 'own' || condition.criterion.kind !== 'value') continue;
    const { parameter, test } = condition.criterion;
    if (test.kind !== 'reference') continue;
    const named = test.values.some(
      (value) =>
        value.kind === 'local' &&
        value.id !== patientId &&
        (value.type === 'Patient' || (value.type === undefined && parameter.targets.join() === 'Patient')),
    );
    if (named) return parameter.code;
  }
  return undefined;
}
