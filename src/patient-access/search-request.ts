import { isResourceType } from '#/fhir/resource-types.ts';
import { hasElement } from '#/fhir/search/elements.ts';
import { type SimpleParameter, searchParametersOf } from '#/fhir/search/parameters.ts';
import { parseCriterion } from '#/fhir/search/parse-query.ts';
import type { Criterion } from '#/fhir/search/search-query.ts';
import { type IncludeRequest, parseInclude } from './includes.ts';
import { badParameter, searchRefused } from './refusals.ts';

/** Bounds of one search. */
export const COUNT_DEFAULT = 50;
export const COUNT_MAX = 1_000;
export const PARAMETERS_MAX = 60;
export const PARAMETER_CHARACTERS_MAX = 10_000;
export const LINKS_MAX = 3;

export type Pair = readonly [name: string, value: string];

/** A criterion of a search of this type, or of another type that references lead to. */
export type Condition =
  | { readonly kind: 'own'; readonly criterion: Criterion }
  /** `parameter:Target.rest`: resources whose reference names one that `inner` finds. */
  | { readonly kind: 'chain'; readonly parameter: SimpleParameter; readonly target: string; readonly inner: Condition }
  /** `_has:Source:parameter:rest`: resources that one which `inner` finds names. */
  | { readonly kind: 'has'; readonly source: string; readonly parameter: SimpleParameter; readonly inner: Condition };

export interface SortKey {
  readonly parameter: SimpleParameter;
  readonly descending: boolean;
}

export type Summary = 'true' | 'text' | 'data' | 'count' | 'false';
const SUMMARIES: ReadonlySet<string> = new Set(['true', 'text', 'data', 'count', 'false']);
export type Total = 'none' | 'estimate' | 'accurate';
const TOTALS: ReadonlySet<string> = new Set(['none', 'estimate', 'accurate']);

export interface SearchRequest {
  readonly type: string;
  readonly conditions: readonly Condition[];
  readonly includes: readonly IncludeRequest[];
  readonly sort: readonly SortKey[];
  readonly count: number;
  readonly total: Total | undefined;
  readonly summary: Summary;
  readonly elements: readonly string[] | undefined;
  /** The parameters that were applied, as they were sent: the link `self`, and what the next page goes on with. */
  readonly applied: readonly Pair[];
}

export interface RequestRules {
  /** `Prefer: handling=strict`: what is not known is refused; else it is passed over. */
  readonly strict: boolean;
  /** Addresses of the FHIR base: references below them are local. */
  readonly bases: readonly string[];
  /** All types that there are for members' apps. */
  readonly types: readonly string[];
}

/** Not about what is found: asked elsewhere. */
const ELSEWHERE: ReadonlySet<string> = new Set(['_format', '_pretty', '_page']);

/**
 * Reads the parameters of a search (address and form together, decoded).
 *
 * A parameter that is not known is passed over, or refused where the caller asked for strict handling; a modifier, a value
 * or an include that is not understood is refused always.
 *
 * @throws FhirRefusal 400
 *
 * Source: FHIR R4 search; patient-access.md 3.5, 3.7.
 */
export function parseSearchRequest(type: string, pairs: readonly Pair[], rules: RequestRules): SearchRequest {
  if (pairs.length > PARAMETERS_MAX) throw badParameter('', 'The search has too many parameters.', 'too-long');
  if (pairs.reduce((sum, [name, value]) => sum + name.length + value.length, 0) > PARAMETER_CHARACTERS_MAX)
    throw badParameter('', 'The search is too long.', 'too-long');
  const applied: Pair[] = [];
  const conditions: Condition[] = [];
  const includes: IncludeRequest[] = [];
  const controls = new Map<string, string>();
  const sort: SortKey[] = [];
  for (const pair of pairs) {
    const [name, value] = pair;
    if (ELSEWHERE.has(name)) continue;
    if (value === '') {
      if (rules.strict) throw badParameter(name, 'The parameter has no value.');
      continue;
    }
    const isApplied = ((): boolean => {
      switch (name) {
        case '_count':
        case '_total':
        case '_summary':
        case '_elements':
          if (controls.has(name)) throw badParameter(name, 'This parameter can be given once.', 'invalid');
          controls.set(name, value);
          return true;
        case '_sort':
          sort.push(...parseSort(type, value, rules.strict));
          return sort.length > 0;
        default:
      }
      const include = parseInclude(name, value, type, rules.types);
      if (include) {
        includes.push(include);
        return true;
      }
      const condition = parseCondition(type, name, value, rules, 0);
      if (condition) conditions.push(condition);
      else if (rules.strict) throw badParameter(name, 'This search parameter is not known here.', 'not-supported');
      return condition !== undefined;
    })();
    if (isApplied) applied.push(pair);
  }
  const summary = oneOf<Summary>(controls, '_summary', SUMMARIES) ?? 'false';
  const count = parseCount(controls.get('_count'));
  const elements = parseElements(type, controls.get('_elements'), rules.strict);
  if (summary === 'text' && includes.length > 0)
    throw badParameter('_summary', 'The summary text cannot be had with included resources.', 'invalid');
  return {
    type,
    conditions,
    includes,
    sort,
    count: count === 0 ? COUNT_DEFAULT : Math.min(count ?? COUNT_DEFAULT, COUNT_MAX),
    total: oneOf<Total>(controls, '_total', TOTALS),
    summary: count === 0 ? 'count' : summary,
    elements,
    applied,
  };
}

function parseCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw badParameter('_count', 'The value must be a whole number, 0 or more.');
  return Number(text);
}

function oneOf<T extends string>(
  controls: ReadonlyMap<string, string>,
  name: string,
  values: ReadonlySet<string>,
): T | undefined {
  const value = controls.get(name);
  if (value !== undefined && !values.has(value))
    throw badParameter(name, `The value must be one of: ${[...values].join(', ')}.`);
  return value as T | undefined;
}

function parseElements(type: string, text: string | undefined, strict: boolean): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  const known = names.filter((name) => hasElement(type, name));
  if (strict && known.length < names.length)
    throw badParameter('_elements', `Not every name is an element of ${type}.`);
  return known;
}

function parseSort(type: string, text: string, strict: boolean): readonly SortKey[] {
  return text.split(',').flatMap((part) => {
    const descending = part.startsWith('-');
    const parameter = searchParametersOf(type).get(descending ? part.slice(1) : part);
    if (parameter && parameter.type !== 'composite') return [{ parameter, descending }];
    if (strict) throw badParameter('_sort', 'Sorting by this is not supported.', 'not-supported');
    return [];
  });
}

const CHAIN = /^([A-Za-z][A-Za-z-]*)(?::([A-Za-z]+))?\.(.+)$/;

/** @returns undefined for a name that is no parameter of the type */
function parseCondition(
  type: string,
  name: string,
  value: string,
  rules: RequestRules,
  links: number,
): Condition | undefined {
  if (links > LINKS_MAX) throw badParameter(name, 'The chain is too long.', 'too-costly');
  if (name.startsWith('_has:')) return parseHas(type, name, value, rules, links);
  const chain = CHAIN.exec(name);
  if (chain) return parseChain(type, chain, value, rules, links);
  const code = name.split(':', 1)[0]!;
  if (!searchParametersOf(type).has(code)) return undefined;
  try {
    return { kind: 'own', criterion: parseCriterion(type, name, value, rules.bases) };
  } catch (error) {
    throw searchRefused(error);
  }
}

function parseChain(
  type: string,
  [name, code = '', wanted, rest = '']: RegExpExecArray,
  value: string,
  rules: RequestRules,
  links: number,
): Condition | undefined {
  const parameter = searchParametersOf(type).get(code);
  if (!parameter) return undefined;
  if (parameter.type !== 'reference') throw badParameter(name, 'Only references can be followed.', 'invalid');
  const targets = targetsOf(parameter, rules.types).filter((target) => wanted === undefined || target === wanted);
  if (wanted !== undefined && !isResourceType(wanted)) throw badParameter(name, 'There is no such type.', 'invalid');
  if (targets.length > 1)
    throw badParameter(name, 'Say the type that is meant, as in subject:Patient.name.', 'invalid');
  const target = targets[0];
  // A type that is not here leads nowhere, but its parameter must be one all the same.
  const inner = parseCondition(target ?? wanted ?? type, rest, value, rules, links + 1);
  if (!inner) throw badParameter(name, 'The parameter at the end of the chain is not known.', 'invalid');
  return { kind: 'chain', parameter, target: target ?? wanted ?? type, inner };
}

function parseHas(type: string, name: string, value: string, rules: RequestRules, links: number): Condition {
  const [, source = '', code = '', ...rest] = name.split(':');
  const parameter = isResourceType(source) ? searchParametersOf(source).get(code) : undefined;
  if (parameter?.type !== 'reference' || rest.length === 0 || !namesType(parameter, type))
    throw badParameter(name, 'It takes the form _has:Type:reference:parameter.', 'invalid');
  const inner = parseCondition(source, rest.join(':'), value, rules, links + 1);
  if (!inner) throw badParameter(name, 'The parameter at its end is not known.', 'invalid');
  return { kind: 'has', source, parameter, inner };
}

const namesType = ({ targets }: SimpleParameter, type: string): boolean =>
  targets.includes('Any') || targets.includes(type);

/** The types that a reference may name, of those that there are here. */
export function targetsOf({ targets }: SimpleParameter, types: readonly string[]): readonly string[] {
  return targets.includes('Any') ? types : targets.filter((target) => types.includes(target));
}
