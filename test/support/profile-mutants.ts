import { structureTable } from '../../src/fhir/definitions/definitions.ts';
import { WALK } from '../../src/fhir/profiles/check.ts';
import type { Definitions } from '../../src/fhir/profiles/definitions.ts';
import { belongsTo } from '../../src/fhir/profiles/discriminators.ts';
import { type ElementNode, typesOf } from '../../src/fhir/profiles/element-tree.ts';
import { type Item, isSameType, itemsOf } from '../../src/fhir/profiles/item.ts';
import { type Profile, Profiles } from '../../src/fhir/profiles/profiles.ts';
import { entriesOf } from '../../src/fhir/profiles/references.ts';
import { Run } from '../../src/fhir/profiles/run.ts';
import type { Json } from './generated.ts';

/** A good resource with one defect. */
export interface Mutant {
  readonly kind: MutantKind;
  /** The element whose demand is broken, as the profile names it; for an extension `slice > element of its profile`. */
  readonly element: string;
  readonly resource: Json;
  /** Is the value in none of the slices any more by the change, where values outside the slices are allowed? */
  readonly leavesOpenSlice: boolean;
}

export type MutantKind =
  | 'mandatory element removed'
  | 'cardinality exceeded'
  | 'fixed value changed'
  | 'code outside the binding'
  | 'reference to a wrong type'
  | 'choice of a wrong type'
  | 'value outside closed slices';

/**
 * Every mutant that the profile's own demands suggest for what the resource has, one for each element and kind.
 *
 * @param seen `kind element` of the mutants made before, which are not made again
 */
export function* mutantsOf(
  resource: Json,
  profile: Profile,
  definitions: Definitions,
  seen: Set<string>,
): Generator<Mutant> {
  const frame = {
    resource,
    root: resource,
    entries: resource.resourceType === 'Bundle' ? entriesOf(resource) : undefined,
  };
  const profiles = new Profiles(definitions);
  const run = new Run(definitions, profiles, WALK, profile, frame);
  const root: Item = { value: resource, beside: undefined, choice: undefined, path: profile.type };
  for (const { kind, element, change, slices } of walk(root, profile.root, { prefix: '', slices: [] }, run)) {
    const key = `${kind} ${element}`;
    if (seen.has(key)) continue;
    const copy = structuredClone(resource);
    if (!change(copy)) continue;
    seen.add(key);
    const after = new Run(definitions, profiles, WALK, profile, { ...frame, resource: copy, root: copy });
    yield { kind, element, resource: copy, leavesOpenSlice: slices.some((each) => hasLeft(each, copy, after)) };
  }
}

/** A slice that a value is in. */
interface InSlice {
  readonly sliced: ElementNode;
  readonly slice: ElementNode;
  readonly path: string;
}

interface Place {
  /** For the elements of an extension's own profile. */
  readonly prefix: string;
  /** Around here, outermost first. */
  readonly slices: readonly InSlice[];
}

function hasLeft({ sliced, slice, path }: InSlice, copy: Json, run: Run): boolean {
  if (sliced.slicing?.rules !== 'open') return false;
  const { parent, key } = placeOf(copy, path);
  const value = parent?.[key];
  if (value === undefined) return sliced.name.endsWith('[x]');
  const choice = sliced.name.endsWith('[x]') ? String(key).slice(sliced.name.length - 3) : undefined;
  return belongsTo({ value, beside: undefined, choice, path }, slice, sliced.slicing.discriminators, run) !== 'yes';
}

interface Change {
  readonly kind: MutantKind;
  readonly element: string;
  readonly slices: readonly InSlice[];
  /** False when there is nothing to change. */
  change(copy: Json): boolean;
}

function* walk(item: Item, node: ElementNode, place: Place, run: Run): Generator<Change> {
  for (const child of node.children) {
    const items = itemsOf(item, child.name);
    yield* around(items, child, undefined, place, run);
    const { slicing } = child;
    if (!slicing) continue;
    for (const slice of child.slices) {
      const members = items.filter((each) => belongsTo(each, slice, slicing.discriminators, run) === 'yes');
      yield* around(members, slice, child, place, run);
    }
    if (slicing.rules === 'closed' && items.length > 0) yield outside(items, child, place);
  }
}

function* around(
  items: readonly Item[],
  node: ElementNode,
  sliced: ElementNode | undefined,
  { prefix, slices }: Place,
  run: Run,
): Generator<Change> {
  const [first] = items;
  if (!first) return;
  const element = `${prefix}${node.id}`;
  if (node.min > 0)
    yield {
      kind: 'mandatory element removed',
      element,
      slices,
      change: (copy) => items.toReversed().every((one) => remove(copy, one.path)),
    };
  if (node.max > 0 && Number.isFinite(node.max) && first.path.endsWith(']'))
    yield {
      kind: 'cardinality exceeded',
      element,
      slices,
      change: (copy) => repeat(copy, first.path, node.max + 1 - items.length),
    };
  for (const one of items) {
    const inside = sliced ? [...slices, { sliced, slice: node, path: one.path }] : slices;
    yield* ofValue(one, node, element, inside);
    yield* walk(one, node, { prefix, slices: inside }, run);
    const [canonical] = typesOf(node).flatMap(({ profiles }) => profiles);
    if (canonical === undefined || prefix !== '') continue;
    try {
      const { root } = run.profiles.require(canonical, run.profile.from);
      yield* walk(one, root, { prefix: `${element} > `, slices: inside }, run);
    } catch {
      // Not given: nothing is checked of it.
    }
  }
}

function* ofValue(item: Item, node: ElementNode, element: string, slices: readonly InSlice[]): Generator<Change> {
  const { fixed, pattern, requiredBinding, types } = node.element ?? {};
  const demanded = fixed?.value ?? pattern?.value;
  if (demanded !== undefined)
    yield {
      kind: 'fixed value changed',
      element,
      slices,
      change: (copy) => replace(copy, item.path, (value) => spoilt(value, demanded)),
    };
  if (requiredBinding !== undefined)
    yield {
      kind: 'code outside the binding',
      element,
      slices,
      change: (copy) => replace(copy, item.path, withoutCodes),
    };
  const targets = types?.flatMap(({ targetProfiles }) => targetProfiles) ?? [];
  const reference = (item.value as Json | undefined)?.reference;
  if (targets.length > 0 && !targets.some((url) => /\/(Resource|Basic)$/.test(url)) && typeof reference === 'string')
    yield {
      kind: 'reference to a wrong type',
      element,
      slices,
      change: (copy) => replace(copy, item.path, (value) => ({ ...(value as Json), reference: 'Basic/1' })),
    };
  const other = item.choice === undefined ? undefined : otherType(item, node);
  if (other) {
    const to = item.path.slice(0, -(item.choice as string).length) + other;
    yield {
      kind: 'choice of a wrong type',
      element,
      slices,
      change: (copy) => remove(copy, item.path) && put(copy, to, SAMPLES[other]),
    };
  }
}

const SAMPLES: Record<string, unknown> = {
  String: 'x',
  Boolean: true,
  Integer: 1,
  Period: { start: '2020-01-01' },
  DateTime: '2020-01-01',
  CodeableConcept: { text: 'x' },
  Quantity: { value: 1 },
  Range: { low: { value: 1 } },
};

/** A type that R4 allows there and the profile does not. */
function otherType(item: Item, node: ElementNode): string | undefined {
  const [type = '', ...path] = (node.element?.path ?? node.id).split('.');
  const name = path.pop() ?? '';
  const base = structureTable()[type]?.[path.join('.')]?.[name] ?? '';
  const allowed = base
    .replace(/^\S+ /, '')
    .replace(/\([^)]*\)|=\S+/g, '')
    .split('|');
  return Object.keys(SAMPLES).find(
    (each) =>
      each !== item.choice &&
      allowed.some((one) => isSameType(one, each)) &&
      !typesOf(node).some(({ code }) => isSameType(code, each)),
  );
}

function outside(items: readonly Item[], node: ElementNode, { prefix, slices }: Place): Change {
  const first = items[0] as Item;
  return {
    kind: 'value outside closed slices',
    element: `${prefix}${node.id}`,
    slices,
    change: (copy) => {
      if (!first.path.endsWith(']')) return false;
      const { list } = placeOf(copy, first.path);
      list?.push(spoiltLeaves(structuredClone(first.value)));
      return list !== undefined;
    },
  };
}

const TELLING = /^(code|system|name|url|reference|uri|value)$/;

function spoiltLeaves(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(spoiltLeaves);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      typeof each === 'string' && TELLING.test(key) ? `${each}-mutant` : spoiltLeaves(each),
    ]),
  );
}

/** The value with every string that the demand names replaced by another. */
function spoilt(value: unknown, demanded: unknown): unknown {
  if (typeof demanded === 'boolean') return !demanded;
  const words = new Set(wordsOf(demanded));
  const visit = (each: unknown): unknown => {
    if (typeof each === 'string') return words.has(each) ? `${each}-mutant` : each;
    if (Array.isArray(each)) return each.map(visit);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, one]) => [key, visit(one)]));
  };
  return visit(value);
}

/** Its codes if it has any, otherwise all its strings. */
function wordsOf(value: unknown, key = ''): string[] {
  if (typeof value === 'string') return [value];
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const codes = entries.filter(([name]) => name === 'code' || name === 'coding' || /^\d+$/.test(name));
  return (codes.length > 0 ? codes : entries).flatMap(([name, each]) => wordsOf(each, name || key));
}

function withoutCodes(value: unknown): unknown {
  if (typeof value === 'string') return 'no-such-code';
  const json = value as Json;
  if (Array.isArray(json.coding)) return { ...json, coding: json.coding.map(withoutCodes) };
  return json.code === undefined ? json : { ...json, code: 'no-such-code' };
}

/** Where a path such as `Patient.name[0].given[1]` leads in a copy. */
function placeOf(copy: Json, path: string): { parent: any; key: string | number; list: unknown[] | undefined } {
  const keys = path
    .split('.')
    .slice(1)
    .flatMap((part) => part.split(/[[\]]/).filter((each) => each !== ''))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const key = keys.pop() as string | number;
  let parent: any = copy;
  // What stands below a primitive lies in its `_name`.
  for (const each of keys) parent = typeof parent[each] === 'object' ? parent[each] : parent[`_${each}`];
  return { parent, key, list: typeof key === 'number' ? parent : undefined };
}

/** A list that is left empty goes too, and an object gets an extension nobody knows: R4 allows neither empty. */
function remove(copy: Json, path: string): boolean {
  const { parent, key, list } = placeOf(copy, path);
  if (parent === undefined) return false;
  if (list) {
    list.splice(key as number, 1);
    return list.length > 0 || remove(copy, path.replace(/\[\d+\]$/, ''));
  }
  delete parent[key];
  delete parent[`_${key}`];
  if (Object.keys(parent).length === 0) parent.extension = [{ url: 'urn:mutant', valueBoolean: true }];
  return true;
}

function replace(copy: Json, path: string, change: (value: unknown) => unknown): boolean {
  const { parent, key } = placeOf(copy, path);
  const before = parent?.[key];
  if (before === undefined) return false;
  parent[key] = change(before);
  return JSON.stringify(parent[key]) !== JSON.stringify(before);
}

function put(copy: Json, path: string, value: unknown): boolean {
  const { parent, key } = placeOf(copy, path);
  parent[key] = value;
  return true;
}

function repeat(copy: Json, path: string, times: number): boolean {
  const { list, key } = placeOf(copy, path);
  if (!list || times > 20) return false;
  for (let i = 0; i < times; i++) list.push(structuredClone(list[key as number]));
  return true;
}
