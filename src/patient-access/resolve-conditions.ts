import { compileSearch, type ResourcePredicate } from '#/fhir/search/compile-search.ts';
import { type SimpleParameter, searchParametersOf } from '#/fhir/search/parameters.ts';
import type { Criterion } from '#/fhir/search/search-query.ts';
import { isDecidedByColumns } from '#/fhir/store/criteria-sql.ts';
import { ownerParameterOf, SHARED_TYPES } from '#/fhir/store/owner.ts';
import {
  type CandidateNeeds,
  type CandidateRow,
  type NamedShared,
  type RowsQuery,
  readCandidates,
} from '#/fhir/store/search-rows.ts';
import type { Caller } from './caller.ts';
import { tooCostly } from './refusals.ts';
import type { Condition } from './search-request.ts';

/** Rows that are looked at for one search where columns cannot decide. */
export const CANDIDATES_MAX = 20_000;

/** What a search comes down to: criteria on rows, and what the resource itself has to be asked. */
export interface Resolved {
  readonly query: RowsQuery;
  readonly look: ResourcePredicate | undefined;
}

/** The named shared resources, read at most once for a request. */
export type NamedOnce = () => Promise<NamedShared>;

/**
 * Turns conditions into criteria on rows. Chains and `_has` are searches of their own among what the caller reaches; what
 * they find becomes a list of references, or of ids. So a type that the caller does not reach finds nothing.
 *
 * @throws FhirRefusal 400 `too-costly`
 */
export async function resolveConditions(
  caller: Caller,
  type: string,
  conditions: readonly Condition[],
  named: NamedOnce,
): Promise<Resolved> {
  const criteria: Criterion[] = [];
  for (const condition of conditions) criteria.push(await criterionOf(caller, type, condition, named));
  const needed = criteria.filter((criterion) => !isAlwaysTrue(caller, type, criterion));
  const rest = needed.filter((criterion) => !isDecidedByColumns(criterion));
  const matches = rest.length > 0 ? compileSearch({ type, criteria: rest }, caller.now) : undefined;
  const { withholdsBeyondLabels } = caller;
  const look: ResourcePredicate | undefined = withholdsBeyondLabels
    ? (resource) => !withholdsBeyondLabels(resource) && (matches === undefined || matches(resource))
    : matches;
  return {
    query: {
      type,
      criteria: needed.filter((criterion) => !rest.includes(criterion)),
      named: SHARED_TYPES.has(type) ? await named() : new Map(),
      now: caller.now,
    },
    look,
  };
}

/** Whose a row is has been asked already: `patient=` the member is true of every row of a type that has its owner there. */
function isAlwaysTrue(caller: Caller, type: string, criterion: Criterion): boolean {
  if (criterion.kind !== 'value' || criterion.negated || criterion.test.kind !== 'reference') return false;
  return (
    ownerParameterOf(type, criterion.parameter) &&
    criterion.test.values.some(
      (value) =>
        value.kind === 'local' &&
        value.id === caller.search.patientId &&
        (value.type === 'Patient' || (value.type === undefined && criterion.parameter.targets.join() === 'Patient')),
    )
  );
}

async function criterionOf(caller: Caller, type: string, condition: Condition, named: NamedOnce): Promise<Criterion> {
  switch (condition.kind) {
    case 'own':
      return condition.criterion;
    case 'chain': {
      const { parameter, target, inner } = condition;
      const found = await findRows(caller, target, inner, named, false);
      const values = found.map(({ id }) => ({ kind: 'local', type: target, id }) as const);
      return { kind: 'value', parameter, test: { kind: 'reference', values }, negated: false };
    }
    case 'has': {
      const { source, parameter, inner } = condition;
      const start = `${parameter.code}>${type}/`;
      const found = await findRows(caller, source, inner, named, true);
      const ids = new Set(found.flatMap(({ refs }) => refs.flatMap((ref) => (ref.startsWith(start) ? [ref] : []))));
      const values = [...ids].map((ref) => ({ system: undefined, code: ref.slice(start.length) }));
      return { kind: 'value', parameter: idParameter(type), test: { kind: 'token', values }, negated: false };
    }
    default:
      return condition satisfies never;
  }
}

const idParameter = (type: string): SimpleParameter => searchParametersOf(type).get('_id') as SimpleParameter;

async function findRows(
  caller: Caller,
  type: string,
  condition: Condition,
  named: NamedOnce,
  withRefs: boolean,
): Promise<readonly CandidateRow[]> {
  return lookAtRows(caller, await resolveConditions(caller, type, [condition], named), { keys: [], refs: withRefs });
}

/**
 * The rows that a search finds, those that the resource itself decides among them.
 *
 * @param needs what is needed of those that are found
 * @throws FhirRefusal 400 `too-costly` where more than `CANDIDATES_MAX` have to be looked at
 */
export async function lookAtRows(
  caller: Caller,
  { query, look }: Resolved,
  needs: Pick<CandidateNeeds, 'keys' | 'refs'>,
): Promise<readonly CandidateRow[]> {
  const found: CandidateRow[] = [];
  let looked = 0;
  for await (const row of readCandidates(caller.db, caller.search, query, { ...needs, content: look !== undefined })) {
    if (++looked > CANDIDATES_MAX)
      throw tooCostly(
        `This search would have to look at more than ${CANDIDATES_MAX} resources. Narrow it by a date, a code or a category, or leave out _sort.`,
      );
    if (look === undefined || look(JSON.parse(row.content))) found.push({ ...row, content: '' });
  }
  return found;
}
