import { isResourceType } from '#/fhir/resource-types.ts';
import { parseDate } from '#/fhir/search/parse-values.ts';
import { readNamedShared } from '#/fhir/store/named-shared.ts';
import { SHARED_TYPES } from '#/fhir/store/owner.ts';
import { countRows, type FoundRow, type Position, type RowsQuery, readPage } from '#/fhir/store/search-rows.ts';
import type { Caller } from './caller.ts';
import { isWithheld } from './includes.ts';
import { badParameter } from './refusals.ts';
import { COUNT_DEFAULT, COUNT_MAX, type Pair } from './search-request.ts';

/** What `$everything` is asked for; times in milliseconds. */
export interface EverythingRequest {
  /** Types of the answer in its order. */
  readonly types: readonly string[];
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly since: string | undefined;
  readonly count: number;
  readonly applied: readonly Pair[];
}

/** Where the next page goes on. */
export interface EverythingPlace {
  readonly type: string;
  readonly position: Position | undefined;
  readonly total: number;
}

export interface EverythingPage {
  readonly rows: readonly FoundRow[];
  readonly total: number;
  readonly next: EverythingPlace | undefined;
}

/** Types whose principal date is the clinical date that `start` and `end` are about (patient-access.md 3.9); others ignore them. */
const DATED: ReadonlySet<string> = new Set(
  'ExplanationOfBenefit Encounter Observation DiagnosticReport Condition Procedure MedicationRequest MedicationDispense Immunization DocumentReference CarePlan Goal Coverage ServiceRequest'.split(
    ' ',
  ),
);
const PARAMETERS: ReadonlySet<string> = new Set(['start', 'end', '_since', '_type', '_count']);
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** @throws FhirRefusal 400 */
export function parseEverything(pairs: readonly Pair[], caller: Caller, strict: boolean): EverythingRequest {
  const given = new Map<string, string>();
  const applied: Pair[] = [];
  for (const [name, value] of pairs) {
    if (['_format', '_pretty', '_page'].includes(name)) continue;
    if (!PARAMETERS.has(name) || value === '') {
      if (strict) throw badParameter(name, 'This parameter is not known here.', 'not-supported');
      continue;
    }
    if (given.has(name) && name !== '_type') throw badParameter(name, 'This parameter can be given once.', 'invalid');
    given.set(name, given.has(name) ? `${given.get(name)},${value}` : value);
    applied.push([name, value]);
  }
  const date = (name: string) => {
    const text = given.get(name);
    const parsed = text === undefined ? undefined : parseDate(text);
    if (text !== undefined && (!parsed || !/^\d/.test(text))) throw badParameter(name, 'The value must be a date.');
    return parsed;
  };
  const since = given.get('_since')?.replace(' ', '+');
  if (since !== undefined && (!INSTANT.test(since) || Number.isNaN(Date.parse(since))))
    throw badParameter('_since', 'The value must be an instant, as in 2026-01-31T09:00:00Z.');
  const count = given.get('_count');
  if (count !== undefined && !/^[1-9]\d{0,8}$/.test(count))
    throw badParameter('_count', 'The value must be a whole number, 1 or more.');
  return {
    types: typesOf(given.get('_type'), caller),
    from: date('start')?.lo,
    to: date('end')?.hi,
    since,
    count: Math.min(Number(count ?? COUNT_DEFAULT), COUNT_MAX),
    applied,
  };
}

/** Patient first, then by name; types that the caller does not reach contribute nothing. */
function typesOf(text: string | undefined, caller: Caller): readonly string[] {
  const wanted = text?.split(',').map((type) => type.trim());
  const unknown = wanted?.find((type) => !isResourceType(type));
  if (unknown !== undefined) throw badParameter('_type', 'Not every value is a resource type of FHIR R4.');
  const reached = caller.types.filter(
    (type) => caller.search.of(type).kind !== 'none' && (wanted === undefined || wanted.includes(type)),
  );
  return reached.sort((a, b) => Number(b === 'Patient') - Number(a === 'Patient') || (a < b ? -1 : 1));
}

/**
 * One page of everything of the member that the caller reaches: type by type, inside newest first, then by id.
 *
 * Source: FHIR R4 Patient-everything; patient-access.md 3.9.
 */
export async function everythingPage(
  caller: Caller,
  request: EverythingRequest,
  start: EverythingPlace | undefined,
): Promise<EverythingPage> {
  const needsNamed = request.types.some((type) => SHARED_TYPES.has(type));
  const named = needsNamed ? await readNamedShared(caller.db, caller.search, caller.types) : new Map();
  const queryOf = (type: string): RowsQuery => ({
    type,
    criteria: [],
    named,
    now: caller.now,
    ...(request.since === undefined ? {} : { changedSince: request.since }),
    ...(DATED.has(type) && { within: { from: request.from, to: request.to } }),
  });
  const total = start?.total ?? (await totalOf(caller, request.types.map(queryOf)));
  const rows: FoundRow[] = [];
  const types = start === undefined ? request.types : request.types.slice(request.types.indexOf(start.type));
  for (const [i, type] of types.entries()) {
    const after = i === 0 ? start?.position : undefined;
    const limit = request.count - rows.length;
    const found = await readPage(caller.db, caller, queryOf(type), { limit: limit + 1, shown: 0, after }, NOTHING);
    const page = found.slice(0, limit);
    rows.push(...page.filter((row) => !isWithheld(caller, row)));
    const last = page.at(-1);
    if (found.length > limit)
      return { rows, total, next: { type, position: last ? { date: last.date, id: last.id } : undefined, total } };
  }
  return { rows, total, next: undefined };
}

const NOTHING = { forward: [], back: [], limit: 0, withRefs: false } as const;
const EVERY_ROW = 2_147_483_647;

async function totalOf(caller: Caller, queries: readonly RowsQuery[]): Promise<number> {
  let total = 0;
  for (const query of queries) total += await countRows(caller.db, caller.search, query, EVERY_ROW);
  return total;
}
