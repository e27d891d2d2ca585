import { isResourceType, typeOf } from '#/fhir/resource-types.ts';
import { type SimpleParameter, searchParametersOf } from '#/fhir/search/parameters.ts';
import { type IncludeStep, type IncludeSteps, type RevincludeStep, readFollowing } from '#/fhir/store/include-rows.ts';
import type { FoundRow, NamedShared } from '#/fhir/store/search-rows.ts';
import type { Caller } from './caller.ts';
import { badParameter } from './refusals.ts';

/** Bounds of what one page includes. */
export const INCLUDE_DEPTH_MAX = 3;
export const INCLUDED_MAX = 1_000;

/** `_include` or `_revinclude`, one parameter of one type. */
export interface IncludeRequest {
  readonly kind: 'include' | 'revinclude';
  readonly iterate: boolean;
  readonly source: string;
  readonly parameters: readonly SimpleParameter[];
  /** Set: only references to this type. */
  readonly target: string | undefined;
}

const NAMES = /^_(include|revinclude)(:iterate|:recurse)?$/;

/**
 * Reads `Source:parameter[:Target]`; `*` stands for every reference of the source.
 *
 * @returns undefined when it is another parameter
 * @throws FhirRefusal 400 for a source or parameter that there is not
 *
 * Source: FHIR R4 search 3.1.1.5.4
 */
export function parseInclude(
  name: string,
  value: string,
  type: string,
  types: readonly string[],
): IncludeRequest | undefined {
  const match = NAMES.exec(name);
  if (!match) {
    if (/^_(rev)?include:/.test(name)) throw badParameter(name, 'The only modifier of it is iterate.', 'not-supported');
    return undefined;
  }
  const kind = match[1] as 'include' | 'revinclude';
  const iterate = match[2] !== undefined;
  const [source = '', code, target, more] = value === '*' ? [type, '*'] : value.split(':');
  const bad = (text: string): Error => badParameter(name, text);
  if (code === undefined || code === '' || more !== undefined)
    throw bad('It takes the form Type:parameter or Type:parameter:Target.');
  if (!isResourceType(source) || (target !== undefined && !isResourceType(target))) throw bad('There is no such type.');
  if (value === '*' && kind === 'revinclude') throw bad('What names a resource has to be said by type.');
  if (kind === 'include' && !iterate && source !== type) throw bad(`The source must be ${type}, which is searched.`);
  const references = [...searchParametersOf(source).values()].filter(
    (parameter): parameter is SimpleParameter => parameter.type === 'reference',
  );
  const parameters = code === '*' ? references : references.filter((parameter) => parameter.code === code);
  if (parameters.length === 0) throw bad(`${source} has no such reference.`);
  return { kind, iterate, source: types.includes(source) ? source : '', parameters, target };
}

/** The steps from rows of a type. */
export function stepsFrom(
  type: string,
  includes: readonly IncludeRequest[],
  types: readonly string[],
): Pick<IncludeSteps, 'forward' | 'back'> {
  const forward = new Map<string, IncludeStep>();
  const back = new Map<string, RevincludeStep>();
  for (const include of includes)
    for (const parameter of include.parameters) {
      if (include.kind === 'include') {
        if (include.source !== type) continue;
        for (const target of namedTypes(parameter, types))
          if (include.target === undefined || include.target === target) {
            const prefix = `${parameter.code}>${target}`;
            forward.set(prefix, { prefix, target });
          }
      } else if (include.source !== '' && (include.target === undefined || include.target === type)) {
        if (!namedTypes(parameter, types).includes(type)) continue;
        const prefix = `${parameter.code}>${type}`;
        back.set(`${include.source} ${prefix}`, { prefix, source: include.source });
      }
    }
  return { forward: [...forward.values()], back: [...back.values()] };
}

const namedTypes = ({ targets }: SimpleParameter, types: readonly string[]): readonly string[] =>
  targets.includes('Any') ? types : targets.filter((target) => types.includes(target));

export interface Included {
  readonly rows: readonly FoundRow[];
  /** There was more than one page may include. */
  readonly cut: boolean;
}

/**
 * Goes on from the first included rows where `:iterate` asks for it; each resource once, none that is a match.
 *
 * @param first what the page's own statement included
 */
export async function followIncludes(
  caller: Caller,
  matches: readonly FoundRow[],
  first: readonly FoundRow[],
  includes: readonly IncludeRequest[],
  named: NamedShared,
): Promise<Included> {
  const seen = new Set(matches.map(keyOf));
  const rows: FoundRow[] = [];
  const add = (found: readonly FoundRow[]): FoundRow[] =>
    found.filter((row) => {
      const isNew = !seen.has(keyOf(row)) && !isWithheld(caller, row);
      if (isNew) rows.push(row);
      seen.add(keyOf(row));
      return isNew;
    });
  let last = add(first);
  const again = includes.filter(({ iterate }) => iterate);
  for (let depth = 1; depth < INCLUDE_DEPTH_MAX && again.length > 0 && rows.length <= INCLUDED_MAX; depth++) {
    if (last.length === 0) break;
    const next: FoundRow[] = [];
    for (const type of new Set(last.map(({ rt }) => typeOf(rt)))) {
      const steps = stepsFrom(type, again, caller.types);
      const from = last.filter(({ rt }) => typeOf(rt) === type);
      next.push(
        ...(await readFollowing(caller.db, caller, from, { ...steps, limit: INCLUDED_MAX + 1, withRefs: true }, named)),
      );
    }
    last = add(next);
  }
  return { rows: rows.slice(0, INCLUDED_MAX), cut: rows.length > INCLUDED_MAX };
}

const keyOf = ({ rt, id }: FoundRow): string => `${rt}/${id}`;

/** Only while labels are not up to date is a resource looked at itself. */
export function isWithheld(caller: Caller, row: { readonly content: string }): boolean {
  return caller.withholdsBeyondLabels?.(JSON.parse(row.content)) === true;
}
