import { type Fields, isObject, type Run } from './run.ts';

export type Rule = (value: Fields, run: Run) => void;

/** A rule that holds or not; `key` is its name in the specification. */
export function must(key: string, statement: string, holds: (value: Fields) => boolean): Rule {
  const message = `${statement} (${key})`;
  return (value, run) => {
    if (!holds(value)) run.add('invariant', message);
  };
}

/** Is the element there, as a value or as extensions of a primitive? */
export function has(value: Fields, name: string): boolean {
  return value[name] !== undefined || value[`_${name}`] !== undefined;
}

/** Is any type of a choice there (`value` for `value[x]`)? Only few objects are asked, so looking at keys is cheap. */
export function hasChoice(value: Fields, name: string): boolean {
  for (const key in value) {
    const start = key.charCodeAt(0) === 95 /* _ */ ? 1 : 0;
    const next = key.charCodeAt(start + name.length);
    if (next >= 65 && next <= 90 && key.startsWith(name, start)) return true;
  }
  return false;
}

/** The objects of an array; nothing when it is none. */
export function each(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Does a CodeableConcept hold one of these codes of the system? */
export function hasCoding(concept: unknown, system: string, codes: readonly string[]): boolean {
  return (
    isObject(concept) &&
    each(concept.coding).some((coding) => coding.system === system && codes.includes(coding.code as string))
  );
}

export function allDifferent(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}
