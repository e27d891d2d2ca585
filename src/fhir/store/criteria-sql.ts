import { RESOURCE_TYPES } from '../resource-types.ts';
import { approximateReach } from '../search/date-range.ts';
import { codesOfSystem } from '../search/match-words.ts';
import type { SimpleParameter } from '../search/parameters.ts';
import { SEPARATOR } from '../search/search-keys.ts';
import type { Criterion, DateValue, ReferenceValue, TokenValue, ValueTest } from '../search/search-query.ts';
import { type SqlValues, sqlValues } from './sql-parts.ts';

/**
 * The condition of a criterion on the columns of a row, or undefined when they cannot decide it: strings, quantities,
 * composites, texts and what is at other addresses are decided on the resource itself.
 *
 * The columns are filled at ingest (search-keys.ts): tokens and refs as keys, dates as closed ranges in `extra`, in ISO and
 * UTC, so that their texts compare as the times do.
 *
 * @param row the alias of a row of `resource` or `shared_resource`
 */
export function criterionSql(criterion: Criterion, row: string, values: SqlValues, now: Date): string | undefined {
  switch (criterion.kind) {
    case 'missing':
      return missingSql(criterion.parameter, criterion.missing, row, values);
    case 'composite':
      return undefined;
    case 'value': {
      const { parameter, test, negated } = criterion;
      const found = testSql(parameter, test, row, values, now);
      return found === undefined ? undefined : negated ? `not (${found})` : found;
    }
    default:
      return criterion satisfies never;
  }
}

function missingSql(
  parameter: Extract<Criterion, { kind: 'missing' }>['parameter'],
  missing: boolean,
  row: string,
  values: SqlValues,
): string | undefined {
  if (parameter.type === 'composite') return undefined;
  if (parameter.code === '_id' || parameter.code === '_lastUpdated') return String(!missing);
  return `${missing ? 'not ' : ''}${row}.tokens @> ${values.add([`${parameter.code}!`], 'text[]')}`;
}

function testSql(
  { code, targets }: SimpleParameter,
  test: ValueTest,
  row: string,
  values: SqlValues,
  now: Date,
): string | undefined {
  switch (test.kind) {
    case 'token':
      if (code === '_id') return idSql(test.values, row, values);
      if (test.values.some(isBound)) return undefined;
      return `${row}.tokens && ${values.add(
        test.values.map((value) => tokenKey(code, value)),
        'text[]',
      )}`;
    case 'reference': {
      const local = test.values.filter((value) => value.kind === 'local');
      if (local.length < test.values.length) return undefined;
      return `${row}.refs && ${values.add(
        local.flatMap((value) => referenceKeys(code, value, targets)),
        'text[]',
      )}`;
    }
    case 'date':
      return code === '_lastUpdated'
        ? anyOf(test.values.map((value) => instantSql(value, `${row}.last_updated`, values, now)))
        : `exists (select from jsonb_array_elements(${row}.extra -> ${values.add(code, 'text')}) d
             where ${anyOf(test.values.map((value) => rangeSql(value, values, now)))})`;
    case 'text':
    case 'identifier':
    case 'number':
    case 'quantity':
    case 'string':
    case 'uri':
      return undefined;
    default:
      return test satisfies never;
  }
}

/** A system that R4 binds codes to: an element without a system of its own may be of it, which keys do not tell. */
const isBound = ({ system }: TokenValue): boolean => system !== undefined && codesOfSystem(system).size > 0;

/** The key under which ingest put a token; `code`, `system|code`, `|code`, `system|`. */
export function tokenKey(parameter: string, { system, code }: TokenValue): string {
  return [parameter, system ?? '*', code?.toLowerCase() ?? '*'].join(SEPARATOR);
}

export function referenceKeys(
  parameter: string,
  { type, id }: Extract<ReferenceValue, { kind: 'local' }>,
  targets: readonly string[],
): readonly string[] {
  const types =
    type !== undefined ? [type] : targets.includes('Any') || targets.length === 0 ? RESOURCE_TYPES : targets;
  return types.map((one) => `${parameter}>${one}/${id}`);
}

/** Logical ids are case-sensitive (R4 resource.html#id). */
function idSql(tokens: readonly TokenValue[], row: string, values: SqlValues): string {
  const ids = tokens.flatMap(({ system, code }) => (code !== undefined && !system ? [code] : []));
  return `${row}.id = any(${values.add(ids, 'text[]')})`;
}

const anyOf = (conditions: readonly string[]): string => `(${conditions.join(' or ')})`;
/** Within four digits of a year, so that the texts compare. */
const EARLIEST = Date.parse('0001-01-01T00:00:00Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');
const iso = (milliseconds: number): string =>
  new Date(Math.min(LATEST, Math.max(EARLIEST, milliseconds))).toISOString();

/** A point in time against the range of the query. */
function instantSql({ prefix, lo, hi }: DateValue, column: string, values: SqlValues, now: Date): string {
  const from = (at: number): string => values.add(iso(at), 'timestamptz');
  const within = (): string => `(${column} >= ${from(lo)} and ${column} < ${from(hi + 1)})`;
  switch (prefix) {
    case 'eq':
      return within();
    case 'ne':
      return `not ${within()}`;
    case 'gt':
    case 'sa':
      return `${column} >= ${from(hi + 1)}`;
    case 'lt':
    case 'eb':
      return `${column} < ${from(lo)}`;
    case 'ge':
      return `${column} >= ${from(lo)}`;
    case 'le':
      return `${column} < ${from(hi + 1)}`;
    case 'ap': {
      const reach = approximateReach(lo, now);
      return `(${column} >= ${from(lo - reach)} and ${column} <= ${from(hi + reach)})`;
    }
    default:
      return prefix satisfies never;
  }
}

/** A closed range `d.value` of texts, either side of which may be open, against the range of the query. */
function rangeSql({ prefix, lo, hi }: DateValue, values: SqlValues, now: Date): string {
  const at = (time: number): string => values.add(iso(time), 'text');
  const below = `coalesce(d.value ->> 0, '') collate "C"`;
  const above = `coalesce(d.value ->> 1, '~') collate "C"`;
  const contained = (): string => `(${below} >= ${at(lo)} and ${above} <= ${at(hi)})`;
  switch (prefix) {
    case 'eq':
      return contained();
    case 'ne':
      return `not ${contained()}`;
    case 'gt':
      return `${above} > ${at(hi)}`;
    case 'lt':
      return `${below} < ${at(lo)}`;
    case 'ge':
      return `(${above} > ${at(hi)} or ${contained()})`;
    case 'le':
      return `(${below} < ${at(lo)} or ${contained()})`;
    case 'sa':
      return `${below} > ${at(hi)}`;
    case 'eb':
      return `${above} < ${at(lo)}`;
    case 'ap': {
      const reach = approximateReach(lo, now);
      return `(${above} >= ${at(lo - reach)} and ${below} <= ${at(hi + reach)})`;
    }
    default:
      return prefix satisfies never;
  }
}

/** Can the columns of a row decide this criterion? */
export function isDecidedByColumns(criterion: Criterion): boolean {
  return criterionSql(criterion, 'r', sqlValues(), new Date(0)) !== undefined;
}
