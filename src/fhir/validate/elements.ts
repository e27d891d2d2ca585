import type { Property } from './node.ts';
import { type Check, isObject, type Run } from './run.ts';

type ElementCheck = Property['check'];

/** One value, never an array and never null. */
export function single(check: Check): ElementCheck {
  return (value, _owner, run) => {
    if (value === null || Array.isArray(value)) run.add('structure', 'must be a single value');
    else check(value, run);
  };
}

/** An array of complex values: not empty, nothing null. */
export function list(check: Check, max: number): ElementCheck {
  return (value, _owner, run) => {
    if (!isFilledArray(value, max, run)) return;
    for (let index = 0; index < value.length; index++) {
      const before = run.count;
      if (value[index] === null) run.add('structure', 'must not be null');
      else check(value[index], run);
      if (run.count !== before) run.prefix(before, `[${index}]`);
    }
  };
}

/**
 * An array of primitives. A null is a place whose extensions stand at the same position of the `_` array
 * (https://hl7.org/fhir/R4/json.html#primitive).
 */
export function primitiveList(check: Check, name: string, max: number): ElementCheck {
  const sibling = `_${name}`;
  return (value, owner, run) => {
    if (!isFilledArray(value, max, run)) return;
    for (let index = 0; index < value.length; index++) {
      const item = value[index];
      const before = run.count;
      if (item !== null) check(item, run);
      else if (!hasObjectAt(owner[sibling], index))
        run.add('structure', 'must not be null without an extension beside it');
      if (run.count !== before) run.prefix(before, `[${index}]`);
    }
  };
}

/** `_birthDate`: id and extensions of a primitive, with or without a value beside it; an id alone is no value (ele-1). */
export function extensionOfPrimitive(element: Check, name: string): ElementCheck {
  return (value, owner, run) => {
    if (value === null || Array.isArray(value)) run.add('structure', 'must be a single value');
    else checkSibling(element, value, owner[name], run);
  };
}

function checkSibling(element: Check, sibling: unknown, value: unknown, run: Run): void {
  element(sibling, run);
  if (value !== undefined && value !== null) return;
  if (isObject(sibling) && sibling.extension === undefined) {
    run.add('invariant', 'must have a value or an extension (ele-1)');
  }
}

/** `_given`: a null is a place without extensions; then the value must be there. */
export function extensionsOfPrimitives(element: Check, name: string, max: number): ElementCheck {
  return (value, owner, run) => {
    if (!isFilledArray(value, max, run)) return;
    for (let index = 0; index < value.length; index++) {
      const item = value[index];
      const before = run.count;
      if (item !== null) checkSibling(element, item, valueAt(owner[name], index), run);
      else if ((valueAt(owner[name], index) ?? null) === null)
        run.add('structure', 'must not be null without a value beside it');
      if (run.count !== before) run.prefix(before, `[${index}]`);
    }
  };
}

function isFilledArray(value: unknown, max: number, run: Run): value is unknown[] {
  if (!Array.isArray(value)) {
    run.add('structure', 'must be an array');
    return false;
  }
  if (value.length === 0) {
    run.add('structure', 'must not be an empty array');
    return false;
  }
  if (value.length > max) run.add('structure', `must not repeat more than ${max} times`);
  return true;
}

function hasObjectAt(list: unknown, index: number): boolean {
  return Array.isArray(list) && typeof list[index] === 'object' && list[index] !== null;
}

function valueAt(list: unknown, index: number): unknown {
  return Array.isArray(list) ? list[index] : undefined;
}
