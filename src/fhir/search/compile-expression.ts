import { structureTable } from '../definitions/definitions.ts';

/** A value that an expression finds, with the FHIR type that the definitions give it. */
export interface Found {
  readonly value: unknown;
  readonly type: string;
}

export type Extract = (resource: Readonly<Record<string, unknown>>, found: Found[]) => void;

/** Where a path stands: a type of the structure table, and a node (backbone) in it. */
interface Place {
  readonly type: string;
  readonly node: string;
}

interface Step {
  /** Properties that may hold the element (one, or one for each type of a choice), with the place they lead to. */
  readonly properties: readonly { readonly key: string; readonly place: Place }[];
  readonly accepts?: (value: unknown) => boolean;
}

/**
 * Compiles the FHIRPath of a search parameter to a closure. The official expressions use a small part of FHIRPath: paths,
 * unions, `as`, `ofType`, `where` with one equation, `where(resolve() is T)`, `exists()`, an index.
 *
 * @returns undefined for an expression outside this part; the caller decides whether that matters
 */
export function compileExpression(type: string, expression: string): Extract | undefined {
  const arms = splitUnion(expression).map((arm) => compileArm(type, arm));
  const known = arms.filter((arm) => arm !== undefined);
  if (known.length < arms.length || known.length === 0) return undefined;
  return (resource, found) => {
    for (const arm of known) arm(resource, found);
  };
}

function splitUnion(expression: string): string[] {
  const arms: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < expression.length; i++) {
    const char = expression[i];
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) {
      arms.push(expression.slice(from, i));
      from = i + 1;
    }
  }
  arms.push(expression.slice(from));
  return arms.map((arm) => arm.trim()).flatMap((arm) => (isWrapped(arm) ? splitUnion(arm.slice(1, -1)) : [arm]));
}

function isWrapped(arm: string): boolean {
  if (!arm.startsWith('(') || !arm.endsWith(')')) return false;
  let depth = 0;
  for (let i = 0; i < arm.length; i++) {
    if (arm[i] === '(') depth++;
    else if (arm[i] === ')' && --depth === 0) return i === arm.length - 1;
  }
  return false;
}

/** `(a.b as C).d` without its brackets. */
function unwrapped(arm: string): string {
  if (!arm.startsWith('(')) return arm;
  let depth = 0;
  for (let i = 0; i < arm.length; i++) {
    if (arm[i] === '(') depth++;
    else if (arm[i] === ')' && --depth === 0) return arm.slice(1, i) + arm.slice(i + 1);
  }
  return arm;
}

function compileArm(type: string, arm: string): Extract | undefined {
  const exists = /^(.*)\.exists\(\)( and \1 != false)?$/.exec(arm);
  if (exists?.[1]) {
    const inner = compileArm(type, exists[1]);
    return (resource, found) => {
      const values: Found[] = [];
      inner?.(resource, values);
      found.push({ value: values.some(({ value }) => value !== false), type: 'boolean' });
    };
  }
  const parts = partsOf(arm);
  if (parts?.[0] !== type && parts?.[0] !== 'Resource' && parts?.[0] !== 'DomainResource') return undefined;
  const path = compilePath({ type, node: '' }, parts!.slice(1));
  return path && ((resource, found) => walk(resource, path.steps, 0, type, found));
}

/** The values of a composite's parts, for each element that the composite stands on. */
export type ExtractParts = (resource: Readonly<Record<string, unknown>>) => readonly (readonly Found[])[][];

/**
 * Compiles a composite: `base` selects elements, each part's expression stands below them.
 *
 * @returns undefined for an expression outside what `compileExpression` knows
 */
export function compileParts(type: string, base: string, parts: readonly string[]): ExtractParts | undefined {
  const arms = splitUnion(base).map((arm) => {
    const names = partsOf(arm);
    const path = names?.[0] === type ? compilePath({ type, node: '' }, names.slice(1)) : undefined;
    const below = path && parts.map((part) => compileBelow(path.place, part));
    return path && below?.every((extract) => extract !== undefined) ? { path, below } : undefined;
  });
  if (arms.length === 0 || arms.some((arm) => arm === undefined)) return undefined;
  return (resource) =>
    arms.flatMap((arm) => {
      const elements: Found[] = [];
      walk(resource, arm!.path.steps, 0, type, elements);
      return elements.map(({ value }) =>
        arm!.below.map((extract) => {
          const found: Found[] = [];
          extract?.(value, found);
          return found;
        }),
      );
    });
}

function compileBelow(place: Place, expression: string): ((element: unknown, found: Found[]) => void) | undefined {
  const paths = splitUnion(expression).map((arm) => compilePath(place, partsOf(arm) ?? []));
  if (paths.some((path) => path === undefined || path.steps.length === 0)) return undefined;
  return (element, found) => {
    for (const path of paths) walk(element, path!.steps, 0, place.type, found);
  };
}

/** `a.b.ofType(C)` cut at its dots; undefined for what is no path. */
function partsOf(arm: string): readonly string[] | undefined {
  const path = unwrapped(arm).replace(/^([\w.]+) as ([A-Za-z]+)/, '$1.ofType($2)');
  const parts = path.match(/[A-Za-z]+\([^()]*(?:\([^()]*\)[^()]*)?\)|[A-Za-z]+(?:\[\d+\])?/g);
  return parts?.join('.') === path ? parts : undefined;
}

function compilePath(
  start: Place,
  parts: readonly string[],
): { readonly steps: readonly Step[]; readonly place: Place } | undefined {
  let place = start;
  const steps: Step[] = [];
  for (const part of parts) {
    const call = /^([A-Za-z]+)\((.*)\)$/.exec(part);
    const last = steps.at(-1);
    if (!call) {
      const step = stepTo(place, part.replace(/\[\d+\]$/, ''));
      if (!step) return undefined;
      steps.push(step);
      place = step.properties[0]!.place;
    } else if ((call[1] === 'ofType' || call[1] === 'as') && last) {
      // `ofType(DateTime)` stands in the official definitions for dateTime.
      const wanted = call[2]!.toLowerCase();
      const properties = last.properties.filter(
        (property) => property.place.type.toLowerCase() === wanted && property.place.node === '',
      );
      if (properties.length === 0) return undefined;
      steps[steps.length - 1] = { properties };
      place = properties[0]!.place;
    } else if (call[1] === 'where' && last) {
      const accepts = conditionOf(call[2] ?? '');
      if (!accepts) return undefined;
      steps[steps.length - 1] = { ...last, accepts };
    } else return undefined;
  }
  return { steps, place };
}

function walk(value: unknown, steps: readonly Step[], index: number, type: string, found: Found[]): void {
  const step = steps[index];
  if (step === undefined) {
    found.push({ value, type });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const { key, place } of step.properties) {
    const next = (value as Record<string, unknown>)[key];
    if (next === undefined || next === null) continue;
    for (const item of Array.isArray(next) ? next : [next])
      if (item !== null && (step.accepts === undefined || step.accepts(item)))
        walk(item, steps, index + 1, place.type, found);
  }
}

/** The element `name` at a place; a choice (`value[x]` in the table) has one property for each of its types. */
function stepTo(place: Place, name: string): Step | undefined {
  const node = structureTable()[place.type]?.[place.node];
  const choice = node?.[`${name}[x]`];
  const spec = choice ?? node?.[name];
  if (spec === undefined)
    return name === 'id' ? { properties: [{ key: 'id', place: { type: 'id', node: '' } }] } : undefined;
  const target = spec.slice(spec.indexOf(' ') + 1);
  if (target.startsWith('@'))
    return { properties: [{ key: name, place: { type: place.type, node: target.slice(1) } }] };
  const types = target.split('|').map((type) => type.replace(/[(=].*$/s, ''));
  if (choice === undefined) return { properties: [{ key: name, place: { type: types[0]!, node: '' } }] };
  return {
    properties: types.map((type) => ({
      key: name + type[0]!.toUpperCase() + type.slice(1),
      place: { type, node: '' },
    })),
  };
}

function conditionOf(text: string): ((value: unknown) => boolean) | undefined {
  const resolved = /^resolve\(\) is ([A-Za-z]+)$/.exec(text);
  if (resolved) {
    const start = `${resolved[1]}/`;
    return (value) => String((value as { reference?: unknown }).reference ?? '').startsWith(start);
  }
  const equation = /^([A-Za-z]+)\s*=\s*'([^']*)'$/.exec(text);
  if (!equation) return undefined;
  const [, key = '', wanted] = equation;
  return (value) => (value as Record<string, unknown>)[key] === wanted;
}
