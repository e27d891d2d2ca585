import { codeTable } from '../definitions/definitions.ts';
import type { Definitions, Placed } from './definitions.ts';
import { PROFILE_LIMITS } from './limits.ts';
import type { FhirPackage } from './read-package.ts';
import type { CodeSystem, Filter, Include, ValueSet } from './terminology.ts';

/** `unknown` where the codes are not in the packages: never a reason to find fault. */
export type Membership = 'in' | 'out' | 'unknown';

/** `system` is undefined for a plain `code`, which has none. */
export interface Coded {
  readonly system: string | undefined;
  readonly code: string;
}

const CORE_VALUE_SET = 'http://hl7.org/fhir/ValueSet/';
const CORE_SYSTEM = 'http://hl7.org/fhir/';

/** Is the code in the value set, as far as the packages and R4's own lists tell? */
export function membership(
  valueSet: string,
  coded: Coded,
  definitions: Definitions,
  from: FhirPackage | undefined,
  depth = 0,
): Membership {
  if (depth > PROFILE_LIMITS.valueSetDepth) return 'unknown';
  const placed = definitions.find('valueSets', valueSet, from);
  if (!placed) return inCore(valueSet, coded);
  const { include, exclude, expansion } = placed.definition;
  if (include.length === 0) return expansion ? inExpansion(expansion, coded) : 'unknown';
  const inside = (part: Include): Membership => inInclude(part, coded, definitions, placed, depth);
  const included = anyOf(include.map(inside));
  const found = included === 'unknown' && expansion ? inExpansion(expansion, coded) : included;
  if (found === 'out' || exclude.length === 0) return found;
  const excluded = anyOf(exclude.map(inside));
  if (excluded === 'in') return 'out';
  return excluded === 'unknown' ? 'unknown' : found;
}

function inInclude(
  include: Include,
  coded: Coded,
  definitions: Definitions,
  placed: Placed<ValueSet>,
  depth: number,
): Membership {
  const parts: Membership[] = include.valueSets.map((each) =>
    membership(each, coded, definitions, placed.from, depth + 1),
  );
  if (include.system !== undefined) parts.push(inSystem(include, include.system, coded, definitions, placed.from));
  if (parts.length === 0) return 'unknown';
  if (parts.includes('out')) return 'out';
  return parts.includes('unknown') ? 'unknown' : 'in';
}

function inSystem(
  { codes, filters }: Include,
  system: string,
  coded: Coded,
  definitions: Definitions,
  from: FhirPackage,
): Membership {
  if (coded.system !== undefined && coded.system !== system) return 'out';
  const codeSystem = definitions.find('codeSystems', system, from)?.definition;
  const spelled = (code: string): string => (codeSystem?.isCaseSensitive === false ? code.toLowerCase() : code);
  const has = (list: Iterable<string>): boolean => {
    for (const code of list) if (spelled(code) === spelled(coded.code)) return true;
    return false;
  };
  if (codes) return codes.has(coded.code) || has(codes) ? 'in' : 'out';
  if (!codeSystem) return filters.length === 0 ? inCoreSystem(system, coded.code) : 'unknown';
  const known = codeSystem.concepts.has(coded.code) || has(codeSystem.concepts.keys());
  if (!known) return codeSystem.isComplete ? 'out' : 'unknown';
  const kept = filters.map((filter) => passes(filter, coded.code, codeSystem));
  if (kept.includes('out')) return 'out';
  return kept.includes('unknown') ? 'unknown' : 'in';
}

function passes({ property, op, value }: Filter, code: string, codeSystem: CodeSystem): Membership {
  const concept = codeSystem.concepts.get(code);
  if (!concept || !codeSystem.isComplete) return 'unknown';
  const told = (holds: boolean): Membership => (holds ? 'in' : 'out');
  if (op === 'is-a') return told(code === value || descends(concept.parents, value, codeSystem));
  if (op === 'descendent-of') return told(descends(concept.parents, value, codeSystem));
  if (op === 'exists' && concept.properties.size > 0)
    return told(concept.properties.has(property) === (value === 'true'));
  if (op === '=' && concept.properties.has(property)) return told(concept.properties.get(property) === value);
  return 'unknown';
}

function descends(parents: ReadonlySet<string>, value: string, codeSystem: CodeSystem): boolean {
  const seen = new Set<string>();
  const waiting = [...parents];
  for (let code = waiting.pop(); code !== undefined; code = waiting.pop()) {
    if (code === value) return true;
    if (seen.has(code)) continue;
    seen.add(code);
    waiting.push(...(codeSystem.concepts.get(code)?.parents ?? []));
  }
  return false;
}

function anyOf(answers: readonly Membership[]): Membership {
  if (answers.includes('in')) return 'in';
  return answers.includes('unknown') ? 'unknown' : 'out';
}

function inExpansion(expansion: NonNullable<ValueSet['expansion']>, { system, code }: Coded): Membership {
  if (system !== undefined) return expansion.get(system)?.has(code) ? 'in' : 'out';
  return [...expansion.values()].some((codes) => codes.has(code)) ? 'in' : 'out';
}

/** R4's own value sets of required bindings are known whole. */
function inCore(valueSet: string, { system, code }: Coded): Membership {
  const [url = ''] = valueSet.split('|');
  const name = url.startsWith(CORE_VALUE_SET) ? url.slice(CORE_VALUE_SET.length) : '';
  const list = Object.hasOwn(codeTable(), name) ? codeTable()[name] : undefined;
  if (!list) return 'unknown';
  const lists = system === undefined ? Object.values(list) : [list[system] ?? []];
  return lists.some((codes) => codes.includes(code)) ? 'in' : 'out';
}

/** R4 names a value set that is a whole code system like the system. */
function inCoreSystem(system: string, code: string): Membership {
  const name = system.startsWith(CORE_SYSTEM) ? system.slice(CORE_SYSTEM.length) : '';
  const codes = Object.hasOwn(codeTable(), name) ? codeTable()[name]?.[system] : undefined;
  if (!codes) return 'unknown';
  return codes.includes(code) ? 'in' : 'out';
}
