import { checkSlices } from './check-slices.ts';
import { checkValue, typeOf } from './check-value.ts';
import { conforms } from './discriminators.ts';
import { type ElementNode, typesOf } from './element-tree.ts';
import { isCoreType, ProfileUnusable } from './elements-of.ts';
import { evaluateInvariant } from './invariants.ts';
import { fieldsOf, type Item, itemsOf } from './item.ts';
import type { Profile } from './profiles.ts';
import type { Frame, Run, Walk } from './run.ts';
import { type Json, objectOf } from './structure.ts';

export const WALK: Walk = { element: checkElement, profile: checkProfile };

/** Everything that a profile demands of a value of its type: a resource, an extension, an Identifier ... */
function checkProfile(profile: Profile, item: Item, run: Run): void {
  run.within(profile, item.value, frameOf(item, run.frame), () => {
    const resourceType = objectOf(item.value)?.resourceType;
    if (typeof resourceType === 'string' && resourceType !== profile.type) {
      run.find('type', profile.root.id, item.path, `must be ${profile.type}`);
      return;
    }
    checkElement(item, profile.root, run);
  });
}

/** A resource inside another has its own `%resource`; only a contained one keeps the outer `%rootResource`. */
function frameOf(item: Item, outer: Frame): Frame {
  const resource = objectOf(item.value);
  if (typeof resource?.resourceType !== 'string' || resource === outer.resource) return outer;
  const isContained = /\.contained(\[\d+\])?$/.test(item.path);
  return { resource, root: isContained ? outer.root : resource, entries: outer.entries };
}

function checkElement(item: Item, node: ElementNode, run: Run): void {
  if (!run.mayGoOn()) return;
  checkValue(item, node, run);
  checkTypeProfiles(item, node, run);
  checkInvariants(item, node, run);
  if (!fieldsOf(item)) return;
  for (const child of node.children) {
    const items = itemsOf(item, child.name);
    // Most of what a snapshot lists is neither there nor asked for.
    if (items.length === 0 && child.min === 0 && !child.slices.some(({ min }) => min > 0)) continue;
    checkCount(items, child, `${item.path}.${child.name}`, run);
    for (const one of items) checkElement(one, child, run);
    if (child.slices.length > 0) checkSlices(items, child, `${item.path}.${child.name}`, run);
  }
}

function checkCount(items: readonly Item[], node: ElementNode, path: string, run: Run): void {
  if (items.length < node.min)
    run.find('cardinality', node.id, path, `is there ${items.length} times; the least is ${node.min}`);
  if (items.length > node.max)
    run.find('cardinality', node.id, path, `is there ${items.length} times; the most is ${node.max}`);
}

/** The profile of an extension, of a data type, or of a resource inside; of several one must be met. */
function checkTypeProfiles(item: Item, node: ElementNode, run: Run): void {
  const type = typeOf(item, typesOf(node));
  const canonicals = (type?.profiles ?? []).filter((canonical) => !isCoreType(canonical));
  const [only] = canonicals;
  if (only === undefined) return;
  if (canonicals.length > 1) {
    const verdicts = canonicals.map((canonical) => conforms(item, canonical, run));
    if (verdicts.every((verdict) => verdict === 'no'))
      run.find('type', node.id, item.path, `meets none of the profiles ${canonicals.join(', ')}`);
    return;
  }
  try {
    checkProfile(run.profiles.require(only, run.profile.from), item, run);
  } catch (error) {
    if (!(error instanceof ProfileUnusable)) throw error;
    run.leave('definition-not-given', node.id, only);
  }
}

function checkInvariants(item: Item, node: ElementNode, run: Run): void {
  const constraints = node.element?.constraints ?? [];
  if (constraints.length === 0 || item.value === undefined) return;
  const base = baseOf(item, node);
  for (const { key, expression, severity } of constraints) {
    const answer = evaluateInvariant(expression, base, item.value, run);
    if (answer === 'holds') continue;
    if (answer !== 'fails') run.leave(answer, node.id, key);
    else
      run.add({
        profile: run.canonical,
        severity,
        rule: 'invariant',
        key,
        element: node.id,
        path: item.path,
        message: `breaks the invariant ${key}`,
      });
  }
}

/** What the FHIRPath library takes the value for: its data type, or its place where it is a part of a resource. */
function baseOf(item: Item, node: ElementNode): string | undefined {
  if (typeof (item.value as Json | null)?.resourceType === 'string') return undefined;
  const types = typesOf(node);
  const code = typeOf(item, types)?.code ?? item.choice;
  if (code !== undefined && code !== 'BackboneElement' && code !== 'Element') return code;
  return node.element?.path ?? node.id;
}
