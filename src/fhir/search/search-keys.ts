import { type SearchParameter, searchParameterTable } from '../definitions/definitions.ts';
import type { Found } from './compile-expression.ts';
import { rangeOfDate, rangeOfPeriod, rangeOfTiming } from './date-range.ts';
import { type SimpleParameter, searchParametersOf } from './parameters.ts';

type Json = Readonly<Record<string, unknown>>;

/** What searches compare with, in the forms of storage.md 4. */
export interface SearchKeys {
  /** `param␟*␟code`, `param␟system␟code`, `param␟system␟*`; codes in lower case. `param!` marks presence. */
  readonly tokens: readonly string[];
  /** `param>Type/id`. */
  readonly refs: readonly string[];
  /** Dates, quantities, strings and numbers by parameter, for closures that decide on a member's rows. */
  readonly extra: Readonly<Record<string, unknown>> | undefined;
}

/** Cannot occur in a code or a system. */
export const SEPARATOR = '\u241f';
/** Values of one parameter of one resource that are kept; more are no search's business. */
const VALUES_MAX = 200;
/** Strings are compared by their beginning; longer ones are cut. */
const STRING_CHARACTERS_MAX = 200;
const LOCAL_REFERENCE = /^([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
/** `_id` and `_lastUpdated` are columns; text and composites are decided on the resource itself; sounds are not compared. */
const SKIPPED = new Set(['_id', '_lastUpdated', '_text', '_content', '_query', '_filter', 'phonetic']);

const compiled = new Map<string, readonly SimpleParameter[]>();

/** The search keys of a resource, by closures that are compiled once for each type. */
export function searchKeysOf(resource: Json): SearchKeys {
  const tokens = new Set<string>();
  const refs = new Set<string>();
  const extra: Record<string, unknown[]> = {};
  for (const { code, type, extract } of parametersOf(String(resource.resourceType))) {
    const found: Found[] = [];
    extract(resource, found);
    if (found.length === 0) continue;
    if (found.length > VALUES_MAX) found.length = VALUES_MAX;
    tokens.add(`${code}!`);
    for (const value of found) {
      if (type === 'token') addToken(tokens, code, value);
      else if (type === 'reference') addReference(refs, code, value);
      else {
        const kept = keptValue(type, value);
        if (kept !== undefined) {
          extra[code] ??= [];
          extra[code].push(kept);
        }
      }
    }
  }
  return { tokens: [...tokens], refs: [...refs], extra: Object.keys(extra).length === 0 ? undefined : extra };
}

/** The parameters of a type that could not be compiled: a test knows them by name. */
export function notCompiled(type: string): readonly string[] {
  const known = new Set(parametersOf(type).map(({ code }) => code));
  return Object.entries(searchParameterTable()[type] ?? {})
    .filter(([code, parameter]) => !known.has(code) && isWanted(code, parameter))
    .map(([code]) => code);
}

function parametersOf(type: string): readonly SimpleParameter[] {
  let parameters = compiled.get(type);
  if (parameters === undefined) {
    parameters = [...searchParametersOf(type).values()].filter(
      (parameter): parameter is SimpleParameter => parameter.type !== 'composite' && !SKIPPED.has(parameter.code),
    );
    compiled.set(type, parameters);
  }
  return parameters;
}

function isWanted(code: string, parameter: SearchParameter): boolean {
  return (
    !SKIPPED.has(code) && parameter.type !== 'composite' && parameter.type !== 'special' && parameter.expression !== ''
  );
}

function addToken(tokens: Set<string>, param: string, { value, type }: Found): void {
  if (typeof value === 'string' || typeof value === 'boolean') {
    add(tokens, param, '', String(value));
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const object = value as Json;
  if (type === 'CodeableConcept') {
    for (const coding of Array.isArray(object.coding) ? object.coding : []) addCoding(tokens, param, coding as Json);
  } else if (type === 'ContactPoint') add(tokens, param, object.use, object.value);
  else if (type === 'Identifier') add(tokens, param, object.system, object.value);
  else addCoding(tokens, param, object);
}

function addCoding(tokens: Set<string>, param: string, coding: Json | null): void {
  add(tokens, param, coding?.system, coding?.code);
}

function add(tokens: Set<string>, param: string, system: unknown, code: unknown): void {
  const scheme = typeof system === 'string' ? system : '';
  if (typeof code === 'string' && code !== '') {
    const lower = code.toLowerCase();
    tokens.add(`${param}${SEPARATOR}*${SEPARATOR}${lower}`);
    tokens.add(`${param}${SEPARATOR}${scheme}${SEPARATOR}${lower}`);
  }
  if (scheme !== '') tokens.add(`${param}${SEPARATOR}${scheme}${SEPARATOR}*`);
}

function addReference(refs: Set<string>, param: string, { value }: Found): void {
  const reference = typeof value === 'string' ? value : (value as Json | null)?.reference;
  const match = typeof reference === 'string' ? LOCAL_REFERENCE.exec(reference) : null;
  if (match?.[1]) refs.add(`${param}>${match[1]}`);
}

function keptValue(type: SearchParameter['type'], { value, type: fhirType }: Found): unknown {
  switch (type) {
    case 'date': {
      const range =
        fhirType === 'Period'
          ? rangeOfPeriod(value)
          : fhirType === 'Timing'
            ? rangeOfTiming(value)
            : rangeOfDate(value);
      return range && [range.lo ?? null, range.hi ?? null];
    }
    case 'quantity': {
      const { value: number, system, code, unit } = (value ?? {}) as Json;
      return typeof number === 'number' ? [number, system ?? null, code ?? unit ?? null] : undefined;
    }
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'string':
      return stringsOf(value, fhirType);
    case 'uri':
      return typeof value === 'string' ? value : undefined;
    default:
      return undefined;
  }
}

function stringsOf(value: unknown, type: string): unknown {
  if (typeof value === 'string') return value.slice(0, STRING_CHARACTERS_MAX);
  if (typeof value !== 'object' || value === null) return undefined;
  const { text, family, given, prefix, suffix, line, city, district, state, postalCode, country } = value as Json;
  const parts =
    type === 'Address'
      ? [text, line, city, district, state, postalCode, country]
      : [text, family, given, prefix, suffix];
  const words = parts.flat().filter((part) => typeof part === 'string');
  return words.length === 0 ? undefined : words.map((word) => word.slice(0, STRING_CHARACTERS_MAX));
}
