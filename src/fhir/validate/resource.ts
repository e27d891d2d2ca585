import { structureTable } from '../definitions/definitions.ts';
import { isResourceType } from '../resource-types.ts';
import { nodeCheck } from './compile.ts';
import { type Check, type Fields, isObject, type Run } from './run.ts';

/**
 * (This file and compile.ts call each other: elements hold resources, resources hold elements. Both only at run time.)
 *
 * A resource inside another one that is whole in itself (Bundle.entry.resource, Parameters.parameter.resource), or the
 * one being validated: its own contained resources and the references to them are judged together.
 */
export const checkInlineResource: Check = (value, run) => {
  const outer = run.fragments;
  const outerBackward = run.backward;
  const outerIds = run.containedIds;
  run.fragments = [];
  run.backward = undefined;
  run.containedIds = containedIdsOf(value, run);
  if (checkTyped(value, run)) checkContained(value, run);
  run.fragments = outer;
  run.backward = outerBackward;
  run.containedIds = outerIds;
};

function checkTyped(value: unknown, run: Run): value is Fields {
  if (!isObject(value)) {
    run.add('structure', 'must be a resource');
    return false;
  }
  const { resourceType } = value;
  if (!isResourceType(resourceType) || structureTable()[resourceType] === undefined) {
    run.add('structure', 'must have a resourceType of R4');
    return false;
  }
  nodeCheck(resourceType)(value, run);
  return true;
}

/** `contained`: each is a resource, without contained ones of its own (dom-2), versions (dom-4) or labels (dom-5). */
export function containedList(value: unknown, _owner: Fields, run: Run): void {
  if (!Array.isArray(value) || value.length === 0) {
    run.add('structure', 'must be an array that is not empty');
    return;
  }
  value.forEach((resource, index) => {
    const before = run.count;
    const fragmentsBefore = run.fragments.length;
    if (checkTyped(resource, run)) checkContainedOne(resource, run);
    if (run.count !== before) run.prefix(before, `[${index}]`);
    if (run.fragments.indexOf('#', fragmentsBefore) >= 0) {
      run.backward ??= new Set();
      run.backward.add(index);
    }
  });
}

function checkContainedOne(resource: Fields, run: Run): void {
  if (resource.contained !== undefined) run.add('invariant', 'must not contain resources itself (dom-2)');
  const { meta } = resource;
  if (!isObject(meta)) return;
  if (meta.versionId !== undefined || meta.lastUpdated !== undefined) {
    run.add('invariant', 'must not have a version or a time of last update when contained (dom-4)');
  }
  if (meta.security !== undefined) run.add('invariant', 'must not have a security label when contained (dom-5)');
}

/** Each contained resource is pointed at from the resource around it, or points back at that one (dom-3). */
function checkContained(resource: Fields, run: Run): void {
  if (!Array.isArray(resource.contained)) return;
  const named = new Set(run.fragments);
  resource.contained.forEach((one, index) => {
    const id = isObject(one) ? one.id : undefined;
    const isNamed = typeof id === 'string' && named.has(`#${id}`);
    if (!isNamed && run.backward?.has(index) !== true) {
      run.add('invariant', 'must be referred to from the resource around it (dom-3)', `.contained[${index}]`);
    }
  });
}

/** Their ids are read ahead, so that a reference to one that is not there is noticed where it stands (ref-1). */
function containedIdsOf(value: unknown, run: Run): ReadonlySet<string> | undefined {
  if (!isObject(value) || !Array.isArray(value.contained)) return undefined;
  const ids = new Set<string>();
  value.contained.forEach((one, index) => {
    if (!isObject(one) || typeof one.id !== 'string') return;
    if (ids.has(one.id))
      run.add('invariant', 'must not share its id with another contained resource', `.contained[${index}]`);
    ids.add(one.id);
  });
  return ids;
}
