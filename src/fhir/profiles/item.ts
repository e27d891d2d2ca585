import { structureTable } from '../definitions/definitions.ts';
import { isCoreType } from './elements-of.ts';
import { type Json, objectOf } from './structure.ts';

/** One value of an element in an instance. */
export interface Item {
  /** Undefined where a primitive has only an id or extensions. */
  readonly value: unknown;
  /** The object beside a primitive, from `_name`. */
  readonly beside: Json | undefined;
  /** Of a choice, as its key says: `Quantity` of `valueQuantity`. */
  readonly choice: string | undefined;
  /** `ExplanationOfBenefit.item[2].category` */
  readonly path: string;
}

/** The values of a child element, in order; a choice (`value[x]`) under whatever type it came. */
export function itemsOf(parent: Item, name: string): Item[] {
  const fields = fieldsOf(parent);
  if (!fields) return [];
  if (!name.endsWith('[x]')) return valuesUnder(fields, name, undefined, parent.path);
  const stem = name.slice(0, -3);
  const keys = new Set(Object.keys(fields).map((key) => (key.startsWith('_') ? key.slice(1) : key)));
  return [...keys].flatMap((key) => {
    if (!key.startsWith(stem)) return [];
    const type = key.slice(stem.length);
    return isTypeSuffix(type) ? valuesUnder(fields, key, type, parent.path) : [];
  });
}

/** What children are looked up in: the object itself, or what stands beside a primitive. */
export function fieldsOf(item: Item): Json | undefined {
  return objectOf(item.value) ?? item.beside;
}

export function isSameType(one: string, other: string): boolean {
  return one === other || one.charAt(0).toLowerCase() + one.slice(1) === other.charAt(0).toLowerCase() + other.slice(1);
}

/** Follows from R4: `valueString` is a choice, `valueSet` is another element. */
function isTypeSuffix(suffix: string): boolean {
  if (suffix === '' || !/^[A-Z]/.test(suffix)) return false;
  if (structureTable()[suffix] !== undefined) return true;
  return isCoreType(`http://hl7.org/fhir/StructureDefinition/${suffix.charAt(0).toLowerCase()}${suffix.slice(1)}`);
}

function valuesUnder(fields: Json, key: string, choice: string | undefined, parent: string): Item[] {
  const value = fields[key];
  const beside = fields[`_${key}`];
  if (value === undefined && beside === undefined) return [];
  const path = `${parent}.${key}`;
  if (!Array.isArray(value) && !Array.isArray(beside))
    return [{ value: value ?? undefined, beside: objectOf(beside), choice, path }];
  const values = Array.isArray(value) ? value : [];
  const sides = Array.isArray(beside) ? beside : [];
  return Array.from({ length: Math.max(values.length, sides.length) }, (_, index) => ({
    value: values[index] ?? undefined,
    beside: objectOf(sides[index]),
    choice,
    path: `${path}[${index}]`,
  }));
}
