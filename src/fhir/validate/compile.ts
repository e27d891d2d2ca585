import { structureTable } from '../definitions/definitions.ts';
import { codeInList, conceptInList } from './codes.ts';
import { extensionOfPrimitive, extensionsOfPrimitives, list, primitiveList, single } from './elements.ts';
import { checkNarrative } from './narrative.ts';
import { type ChoiceGroup, checkOf, type NodeShape, type Property, type RequiredElement } from './node.ts';
import { PRIMITIVES } from './primitives.ts';
import { checkReference } from './references.ts';
import { checkInlineResource, containedList } from './resource.ts';
import { RULES } from './rules.ts';
import type { Check } from './run.ts';

const compiled = new Map<string, Check>();

/**
 * The check of a type or of one of its nodes (`ExplanationOfBenefit`, node `item.adjudication`), compiled from the R4
 * table at first use and kept. Types refer to each other and to themselves, so each is entered before it is built.
 */
export function nodeCheck(type: string, path = ''): Check {
  const name = path === '' ? type : `${type}.${path}`;
  const known = compiled.get(name);
  if (known) return known;
  let real: Check | undefined;
  const lazy: Check = (value, run) => {
    real ??= checkOf(shapeOf(type, path, name));
    real(value, run);
  };
  compiled.set(name, lazy);
  return lazy;
}

function shapeOf(type: string, path: string, name: string): NodeShape {
  const nodes = structureTable()[type]!;
  const isResource = path === '' && nodes['']!.implicitRules !== undefined;
  const properties = new Map<string, Property>();
  const required: RequiredElement[] = [];
  const choices: ChoiceGroup[] = [];
  let nextBit = 1;
  // The type was read to get here; it only has to be allowed.
  if (isResource) properties.set('resourceType', { bit: 0, check: () => undefined });
  for (const [element, definition] of Object.entries(nodes[path]!)) {
    const spec = parseElement(definition);
    const isChoice = element.endsWith('[x]');
    const bit = spec.min > 0 || isChoice ? nextBit : 0;
    if (bit !== 0) nextBit <<= 1;
    if (spec.min > 0) required.push({ name: element, bit });
    const keys = spec.types.map((one) => ({ key: isChoice ? keyOf(element, one.name) : element, one }));
    if (isChoice) choices.push({ name: element, keys: keys.map(({ key }) => key) });
    for (const { key, one } of keys) addProperties(properties, type, key, one, spec, bit);
  }
  const mayHoldOnlyId = isResource || name === 'Element';
  return { properties, required, choices, rules: RULES[name] ?? [], mayHoldOnlyId };
}

interface TypeSpec {
  readonly name: string;
  readonly targets?: ReadonlySet<string>;
}

interface ElementSpec {
  readonly min: number;
  readonly max: number;
  readonly node?: string;
  readonly types: readonly TypeSpec[];
  readonly valueSet?: string;
}

/** `1..1 Reference(Group,Patient)`, `0..1 code=administrative-gender`, `0..* @contact` */
function parseElement(definition: string): ElementSpec {
  const match = /^(\d+)\.\.(\d+|\*) (?:@(\S+)|([^=]+)(?:=(\S+))?)$/.exec(definition);
  if (!match) throw new Error(`not an element of the structure table: ${definition}`);
  const [, min, max, node, types, valueSet] = match;
  return {
    min: Number(min),
    max: max === '*' ? Number.POSITIVE_INFINITY : Number(max),
    types: node === undefined ? types!.split('|').map(parseType) : [{ name: '@' }],
    ...(node !== undefined && { node }),
    ...(valueSet !== undefined && { valueSet }),
  };
}

function parseType(text: string): TypeSpec {
  const cut = text.indexOf('(');
  if (cut < 0) return { name: text };
  return { name: text.slice(0, cut), targets: new Set(text.slice(cut + 1, -1).split(',')) };
}

function keyOf(element: string, type: string): string {
  return `${element.slice(0, -3)}${type.charAt(0).toUpperCase()}${type.slice(1)}`;
}

function addProperties(
  properties: Map<string, Property>,
  type: string,
  key: string,
  one: TypeSpec,
  spec: ElementSpec,
  bit: number,
): void {
  const primitive = PRIMITIVES[one.name];
  if (!primitive) {
    const check = complexCheck(type, one, spec);
    const isContained = key === 'contained' && one.name === 'Resource';
    properties.set(key, {
      bit,
      check: isContained ? containedList : spec.max > 1 ? list(check, spec.max) : single(check),
    });
    return;
  }
  const check = spec.valueSet ? both(primitive, codeInList(spec.valueSet)) : primitive;
  const element = nodeCheck('Element');
  if (spec.max > 1) {
    properties.set(key, { bit, check: primitiveList(check, key, spec.max) });
    properties.set(`_${key}`, { bit, check: extensionsOfPrimitives(element, key, spec.max) });
  } else {
    properties.set(key, { bit, check: single(check) });
    properties.set(`_${key}`, { bit, check: extensionOfPrimitive(element, key) });
  }
}

function complexCheck(type: string, one: TypeSpec, spec: ElementSpec): Check {
  if (spec.node !== undefined) return nodeCheck(type, spec.node);
  if (one.name === 'Resource') return checkInlineResource;
  if (one.name === 'xhtml') return (value, run) => checkNarrative(value, run);
  const check = nodeCheck(one.name);
  if (one.name === 'Reference') {
    return (value, run) => {
      check(value, run);
      checkReference(value, one.targets, run);
    };
  }
  return one.name === 'CodeableConcept' && spec.valueSet ? both(check, conceptInList(spec.valueSet)) : check;
}

function both(first: Check, second: Check): Check {
  return (value, run) => {
    const before = run.count;
    first(value, run);
    if (run.count === before) second(value, run);
  };
}
