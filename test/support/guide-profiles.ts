import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sharedData } from './shared-data.ts';

/**
 * A small structural check against the guides' StructureDefinitions (snapshots in the shared data): cardinalities,
 * fixed and pattern values, slices, reference targets, required bindings that can be enumerated. No FHIRPath.
 */
export interface Guide {
  check(resource: Json, profileUrl: string): string[];
  has(profileUrl: string): boolean;
}

type Json = Record<string, unknown>;
interface Element {
  id: string;
  min: number;
  max: string;
  type?: { code: string; profile?: string[]; targetProfile?: string[] }[];
  binding?: { strength: string; valueSet?: string };
  slicing?: { discriminator?: { type: string; path: string }[]; rules: string };
  [key: string]: unknown;
}
interface Node {
  element: Element;
  children: Map<string, Node>;
  slices: Node[];
}
interface Package {
  profiles: Map<string, { type: string; snapshot: { element: Element[] } }>;
  valueSets: Map<string, { compose?: { include: Include[] } }>;
  codeSystems: Map<string, { content: string; concept?: Concept[] }>;
}
interface Include {
  system?: string;
  concept?: { code: string }[];
  filter?: unknown;
  valueSet?: string[];
}
interface Concept {
  code: string;
  concept?: Concept[];
}

const bare = (url: string): string => url.split('|')[0]!;

/** Reads the packages; later ones win where two define the same URL. */
export function loadGuide(...packages: string[]): Guide {
  const guide: Package = { profiles: new Map(), valueSets: new Map(), codeSystems: new Map() };
  for (const name of packages) {
    const folder = sharedData('ig', name, 'package');
    for (const file of readdirSync(folder)) {
      if (!/^(StructureDefinition|ValueSet|CodeSystem)-/.test(file)) continue;
      const json = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
      const target = { StructureDefinition: guide.profiles, ValueSet: guide.valueSets, CodeSystem: guide.codeSystems }[
        json.resourceType as 'ValueSet'
      ] as Map<string, unknown>;
      target.set(json.url, json);
    }
  }
  const trees = new Map<string, Node>();
  const treeOf = (url: string): Node => {
    const known = trees.get(url);
    if (known) return known;
    const profile = guide.profiles.get(url);
    if (!profile) throw new Error(`no profile ${url} in ${packages.join(', ')}`);
    const tree = buildTree(profile.snapshot.element);
    trees.set(url, tree);
    return tree;
  };
  return {
    has: (url) => guide.profiles.has(bare(url)),
    check(resource, url) {
      const findings: string[] = [];
      const type = String(resource.resourceType);
      checkChildren(resource, treeOf(bare(url)), type, { guide, resource, findings });
      return findings;
    },
  };
}

function buildTree(elements: Element[]): Node {
  const nodes = new Map<string, Node>();
  for (const element of elements) {
    const node: Node = { element, children: new Map(), slices: [] };
    nodes.set(element.id, node);
    const dot = element.id.lastIndexOf('.');
    if (dot < 0) continue;
    const parent = nodes.get(element.id.slice(0, dot));
    const [name, slice] = element.id.slice(dot + 1).split(':') as [string, string | undefined];
    if (!parent) continue;
    if (slice === undefined) parent.children.set(name, node);
    else parent.children.get(name)?.slices.push(node);
  }
  return nodes.get(elements[0]!.id)!;
}

interface Run {
  guide: Package;
  resource: Json;
  findings: string[];
}
interface Found {
  value: unknown;
  type: string | undefined;
}

function valuesOf(parent: Json, name: string): Found[] {
  if (name.endsWith('[x]')) {
    const stem = name.slice(0, -3);
    return Object.keys(parent)
      .filter((key) => key.startsWith(stem) && /^[A-Z]/.test(key.slice(stem.length)))
      .flatMap((key) => toList(parent[key]).map((value) => ({ value, type: key.slice(stem.length) })));
  }
  return toList(parent[name]).map((value) => ({ value, type: undefined }));
}

const toList = (value: unknown): unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

function checkChildren(value: Json, node: Node, at: string, run: Run): void {
  for (const [name, child] of node.children) {
    if (name === 'id' || name === 'resourceType') continue;
    checkNode(valuesOf(value, name), child, `${at}.${name}`, run);
  }
}

function checkNode(found: Found[], node: Node, at: string, run: Run): void {
  const { element } = node;
  if (found.length < element.min) run.findings.push(`${at}: ${found.length} instead of at least ${element.min}`);
  if (element.max !== '*' && found.length > Number(element.max)) {
    run.findings.push(`${at}: ${found.length} instead of at most ${element.max}`);
  }
  for (const { value, type } of found) {
    if (!matchesFixed(value, element)) run.findings.push(`${at}: not the fixed value`);
    if (!inBinding(value, element, run.guide)) run.findings.push(`${at}: not in ${element.binding?.valueSet}`);
    checkReference(value, element, at, run);
    if (
      type !== undefined &&
      element.type &&
      !element.type.some(({ code }) => code.toLowerCase() === type.toLowerCase())
    ) {
      run.findings.push(`${at}: type ${type} is not allowed`);
    }
    if (typeof value === 'object' && value !== null) checkChildren(value as Json, node, at, run);
  }
  if (node.slices.length > 0) checkSlices(found, node, at, run);
}

function checkSlices(found: Found[], node: Node, at: string, run: Run): void {
  const discriminators = node.element.slicing?.discriminator ?? [];
  const taken = new Set<Found>();
  for (const slice of node.slices) {
    const members = found.filter((each) => discriminators.every((d) => matchesSlice(each, slice, d, run.guide)));
    for (const member of members) taken.add(member);
    checkNode(members, slice, `${at}:${slice.element.id.split(':').at(-1)}`, run);
  }
  if (node.element.slicing?.rules === 'closed' && taken.size < found.length)
    run.findings.push(`${at}: outside the closed slices`);
}

function matchesSlice(
  found: Found,
  slice: Node,
  discriminator: { type: string; path: string },
  guide: Package,
): boolean {
  if (discriminator.type === 'type')
    return slice.element.type?.some(({ code }) => code.toLowerCase() === found.type?.toLowerCase()) ?? false;
  if (discriminator.path === 'url')
    return (
      bare(slice.element.type?.[0]?.profile?.[0] ?? '') === (found.value as Json).url ||
      fixedUrl(slice) === (found.value as Json).url
    );
  let nodes: Node | undefined = slice;
  let values: unknown[] = [found.value];
  if (discriminator.path !== '$this') {
    for (const step of discriminator.path.split('.')) {
      nodes = nodes?.children.get(step);
      values = values.flatMap((value) => toList((value as Json | undefined)?.[step]));
    }
  }
  if (!nodes) return true;
  const target = nodes;
  if (!isConstrained(target)) return values.some((value) => matchesDeep(value, target, guide));
  return values.some((value) => matchesFixed(value, target.element) && inBinding(value, target.element, guide));
}

const fixedUrl = (slice: Node): unknown => slice.children.get('url')?.element.fixedUri;

const isConstrained = (node: Node): boolean =>
  Object.keys(node.element).some((key) => /^(fixed|pattern)[A-Z]/.test(key)) ||
  node.element.binding?.strength === 'required';

function matchesDeep(value: unknown, node: Node, guide: Package): boolean {
  for (const [name, child] of node.children) {
    const values = toList((value as Json | undefined)?.[name]);
    if (
      isConstrained(child) &&
      !values.some((each) => matchesFixed(each, child.element) && inBinding(each, child.element, guide))
    )
      return false;
  }
  return true;
}

function matchesFixed(value: unknown, element: Element): boolean {
  for (const key of Object.keys(element)) {
    if (/^fixed[A-Z]/.test(key) && JSON.stringify(value) !== JSON.stringify(element[key])) return false;
    if (/^pattern[A-Z]/.test(key) && !contains(value, element[key])) return false;
  }
  return true;
}

/** FHIR `pattern`: what the pattern says is there; lists may have more. */
function contains(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern))
    return pattern.every((each) => toList(value).some((candidate) => contains(candidate, each)));
  if (typeof pattern === 'object' && pattern !== null) {
    return Object.entries(pattern).every(([key, each]) => contains((value as Json | undefined)?.[key], each));
  }
  return value === pattern;
}

function inBinding(value: unknown, element: Element, guide: Package): boolean {
  if (element.binding?.strength !== 'required' || !element.binding.valueSet) return true;
  const url = bare(element.binding.valueSet);
  if (typeof value === 'string') return allows(guide, url, undefined, value);
  const codings = (value as Json).coding ? toList((value as Json).coding) : (value as Json).code ? [value] : [];
  if (codings.length === 0) return true;
  return codings.some((coding) =>
    allows(guide, url, (coding as Json).system as string, (coding as Json).code as string),
  );
}

/** Unknown value sets and code systems without content accept what names their system. */
function allows(guide: Package, url: string, system: string | undefined, code: string): boolean {
  const valueSet = guide.valueSets.get(url);
  if (!valueSet?.compose) return true;
  return valueSet.compose.include.some((include) => {
    if (include.valueSet) return include.valueSet.some((each) => allows(guide, bare(each), system, code));
    if (system !== undefined && include.system !== system) return false;
    if (include.concept) return include.concept.some((each) => each.code === code);
    const codeSystem = guide.codeSystems.get(include.system ?? '');
    if (include.filter || codeSystem?.content !== 'complete') return true;
    return hasCode(codeSystem.concept ?? [], code);
  });
}

const hasCode = (concepts: Concept[], code: string): boolean =>
  concepts.some((each) => each.code === code || hasCode(each.concept ?? [], code));

function checkReference(value: unknown, element: Element, at: string, run: Run): void {
  const targets = element.type?.find(({ code }) => code === 'Reference')?.targetProfile;
  const reference = (value as Json | null)?.reference;
  if (!targets || typeof reference !== 'string') return;
  const contained = toList(run.resource.contained) as Json[];
  const type = reference.startsWith('#')
    ? contained.find(({ id }) => id === reference.slice(1))?.resourceType
    : reference.split('/')[0];
  const allowed = targets.map(
    (url) => run.guide.profiles.get(bare(url))?.type ?? url.split('/').at(-1)!.split('|')[0]!,
  );
  if (!allowed.some((each) => each === type || each === 'Resource'))
    run.findings.push(`${at}: refers to ${String(type)}, not to ${allowed.join(', ')}`);
}
