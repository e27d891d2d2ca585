import { RESOURCE_TYPES } from '../resource-types.ts';
import { type CompiledParameter, type SimpleParameter, type SimpleType, searchParametersOf } from './parameters.ts';
import {
  parseDate,
  parseNumber,
  parseQuantity,
  parseReference,
  parseToken,
  splitUnescaped,
  withoutEscapes,
} from './parse-values.ts';
import { type Criterion, type SearchQuery, searchRefusal, type ValueTest } from './search-query.ts';

/** Bounds of one query. */
export const QUERY_CHARACTERS_MAX = 10_000;
export const CRITERIA_MAX = 50;
export const VALUES_MAX = 500;

export interface ParseOptions {
  /** Addresses of the server's own FHIR base: references below them are local. */
  readonly bases?: readonly string[];
}

/** Say how an answer looks, not what is in it. */
const RESULT_PARAMETERS: ReadonlySet<string> = new Set(
  '_sort _count _include _revinclude _summary _elements _total _contained _containedType _format _pretty _score'.split(
    ' ',
  ),
);
const TYPES: ReadonlySet<string> = new Set(RESOURCE_TYPES);

/**
 * Reads `Type?name[:modifier]=value,value&...`, percent-encoded as in an address.
 *
 * Modifiers: `:missing` everywhere, `:not` and `:text` of tokens, `:exact` and `:contains` of strings, `:identifier` and
 * `:Type` of references. Chains, `_has`, other modifiers and result parameters are refused.
 *
 * @throws Refusal with a `SearchRefusalCode`
 *
 * Source: FHIR R4 search, https://hl7.org/fhir/R4/search.html
 */
export function parseSearchQuery(text: string, options: ParseOptions = {}): SearchQuery {
  if (text.length > QUERY_CHARACTERS_MAX) throw searchRefusal('search-too-long');
  const question = text.indexOf('?');
  if (question < 0) throw searchRefusal('search-malformed');
  const type = text.slice(0, question);
  if (!TYPES.has(type)) throw searchRefusal('search-type-unknown');
  const pairs = text
    .slice(question + 1)
    .split('&')
    .filter((pair) => pair !== '')
    .map(pairOf);
  if (pairs.length === 0) throw searchRefusal('search-malformed');
  if (pairs.length > CRITERIA_MAX) throw searchRefusal('search-too-long');
  return { type, criteria: pairs.map(([name, value]) => parseCriterion(type, name, value, options.bases ?? [])) };
}

function pairOf(pair: string): readonly [string, string] {
  const equals = pair.indexOf('=');
  if (equals <= 0) throw searchRefusal('search-malformed');
  return [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw searchRefusal('search-malformed');
  }
}

/**
 * One parameter of a search, decoded: `name[:modifier]` and its value.
 *
 * @throws Refusal with a `SearchRefusalCode`
 */
export function parseCriterion(type: string, name: string, value: string, bases: readonly string[]): Criterion {
  const colon = name.indexOf(':');
  const code = colon < 0 ? name : name.slice(0, colon);
  const modifier = colon < 0 ? undefined : name.slice(colon + 1);
  if (RESULT_PARAMETERS.has(code)) throw searchRefusal('search-result-parameter', name);
  const parameter = searchParametersOf(type).get(code);
  if (!parameter) throw searchRefusal('search-parameter-unknown', name);
  if (modifier === 'missing') {
    if (value !== 'true' && value !== 'false') throw searchRefusal('search-value-malformed', name);
    return { kind: 'missing', parameter, missing: value === 'true' };
  }
  const values = splitUnescaped(value, ',');
  if (values.length > VALUES_MAX) throw searchRefusal('search-too-long', name);
  if (values.includes('')) throw searchRefusal('search-value-malformed', name);
  if (parameter.type === 'composite') {
    if (modifier !== undefined) throw searchRefusal('search-modifier-unsupported', name);
    return { kind: 'composite', parameter, values: values.map((one) => partsOf(parameter.parts, one, name, bases)) };
  }
  const test = testOf(parameter.type, modifier, values, bases);
  if (test === 'unsupported') throw searchRefusal('search-modifier-unsupported', name);
  if (test === undefined) throw searchRefusal('search-value-malformed', name);
  return { kind: 'value', parameter, test, negated: modifier === 'not' };
}

/** The tests of one composite value, `a$b`. */
function partsOf(
  types: readonly SimpleType[],
  value: string,
  name: string,
  bases: readonly string[],
): readonly ValueTest[] {
  const parts = splitUnescaped(value, '$');
  if (parts.length !== types.length) throw searchRefusal('search-value-malformed', name);
  return parts.map((part, i) => {
    const test = part === '' ? undefined : testOf(types[i]!, undefined, [part], bases);
    if (test === undefined || test === 'unsupported') throw searchRefusal('search-value-malformed', name);
    return test;
  });
}

/** @returns undefined when a value is none of the type */
function testOf(
  type: SimpleParameter['type'],
  modifier: string | undefined,
  values: readonly string[],
  bases: readonly string[],
): ValueTest | 'unsupported' | undefined {
  switch (type) {
    case 'token':
      if (modifier === 'text') return { kind: 'text', values: values.map(withoutEscapes) };
      if (modifier !== undefined && modifier !== 'not') return 'unsupported';
      return every('token', values.map(parseToken));
    case 'reference': {
      if (modifier === 'identifier') return every('identifier', values.map(parseToken));
      if (modifier !== undefined && !TYPES.has(modifier)) return 'unsupported';
      return every(
        'reference',
        values.map((value) => parseReference(value, modifier, bases)),
      );
    }
    case 'string': {
      if (modifier !== undefined && modifier !== 'exact' && modifier !== 'contains') return 'unsupported';
      return { kind: 'string', values: values.map(withoutEscapes), match: modifier ?? 'start' };
    }
    case 'date':
      return modifier === undefined ? every('date', values.map(parseDate)) : 'unsupported';
    case 'number':
      return modifier === undefined ? every('number', values.map(parseNumber)) : 'unsupported';
    case 'quantity':
      return modifier === undefined ? every('quantity', values.map(parseQuantity)) : 'unsupported';
    case 'uri':
      return modifier === undefined ? { kind: 'uri', values: values.map(withoutEscapes) } : 'unsupported';
    default:
      return type satisfies never;
  }
}

function every<Kind extends string, Value>(
  kind: Kind,
  values: readonly (Value | undefined)[],
): { readonly kind: Kind; readonly values: readonly Value[] } | undefined {
  return values.every((value) => value !== undefined) ? { kind, values: values as readonly Value[] } : undefined;
}

/** The modifiers that are understood, by the type of the parameter: for documentation. */
export const MODIFIERS = {
  token: ['missing', 'not', 'text'],
  reference: ['missing', 'identifier', '[type]'],
  string: ['missing', 'exact', 'contains'],
  date: ['missing'],
  number: ['missing'],
  quantity: ['missing'],
  uri: ['missing'],
  composite: ['missing'],
} as const satisfies Record<CompiledParameter['type'], readonly string[]>;
