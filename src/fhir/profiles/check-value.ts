import { hasPattern, isEqual } from './deep-equal.ts';
import type { ElementNode } from './element-tree.ts';
import { isCoreType } from './elements-of.ts';
import { codedOf } from './invariants.ts';
import { type Item, isSameType } from './item.ts';
import { targetOf } from './references.ts';
import type { Run } from './run.ts';
import { type ElementDefinition, type ElementType, objectOf } from './structure.ts';
import { type Membership, membership } from './value-sets.ts';

/** What an element says of one value alone: type, fixed or pattern, binding, target of a reference, length and range. */
export function checkValue(item: Item, node: ElementNode, run: Run): void {
  const { element } = node;
  if (!element) return;
  checkType(item, node, element, run);
  const { value } = item;
  if (element.fixed && !isEqual(value, element.fixed.value))
    run.find('fixed', node.id, item.path, `is not the fixed value ${shown(element.fixed.value)}`);
  if (element.pattern && !hasPattern(value, element.pattern.value))
    run.find('pattern', node.id, item.path, `lacks what the pattern demands: ${shown(element.pattern.value)}`);
  if (value === undefined) return;
  if (element.requiredBinding !== undefined) {
    const answer = inBinding(value, element.requiredBinding, run);
    if (answer === 'out')
      run.find('binding', node.id, item.path, `holds no code of the value set ${element.requiredBinding}`);
    else if (answer === 'unknown') run.leave('codes-not-given', node.id, element.requiredBinding);
  }
  if (typeof value === 'string' && element.maxLength !== undefined && [...value].length > element.maxLength)
    run.find('value-range', node.id, item.path, `is longer than ${element.maxLength} characters`);
  if (typeof value === 'number' && element.minValue !== undefined && value < element.minValue)
    run.find('value-range', node.id, item.path, `is less than ${element.minValue}`);
  if (typeof value === 'number' && element.maxValue !== undefined && value > element.maxValue)
    run.find('value-range', node.id, item.path, `is more than ${element.maxValue}`);
  checkTarget(item, node, run);
}

/** What a profile demands may be told: it is not content of the resource. */
function shown(demanded: unknown): string {
  const text = JSON.stringify(demanded);
  return text.length <= 300 ? text : `${text.slice(0, 299)}…`;
}

/** The entry of the element's types that the value is of; undefined when there is none or several are possible. */
export function typeOf(item: Item, types: readonly ElementType[]): ElementType | undefined {
  const { choice } = item;
  if (choice !== undefined) return types.find(({ code }) => isSameType(code, choice));
  const resourceType = objectOf(item.value)?.resourceType;
  if (typeof resourceType === 'string')
    return types.find(({ code }) => code === resourceType || code === 'Resource' || code === 'DomainResource');
  return types.length === 1 ? types[0] : undefined;
}

function checkType(item: Item, node: ElementNode, element: ElementDefinition, run: Run): void {
  const { types } = element;
  if (!types || types.length === 0 || typeOf(item, types)) return;
  const resourceType = objectOf(item.value)?.resourceType;
  if (item.choice === undefined && typeof resourceType !== 'string') return;
  run.find('type', node.id, item.path, `must be ${types.map(({ code }) => code).join(' or ')}`);
}

/** Of a CodeableConcept one coding must be in the value set; without a code it is not. */
export function inBinding(value: unknown, valueSet: string, run: Run): Membership {
  const answers = codedOf(value).map((coded) => membership(valueSet, coded, run.definitions, run.profile.from));
  if (answers.includes('in')) return 'in';
  return answers.includes('unknown') ? 'unknown' : 'out';
}

function checkTarget(item: Item, node: ElementNode, run: Run): void {
  const targets = typeOf(item, node.element?.types ?? [])?.targetProfiles ?? [];
  const reference = objectOf(item.value)?.reference;
  if (targets.length === 0 || typeof reference !== 'string') return;
  const found = targetOf(item.value, run.frame)?.resourceType;
  // A URN, or what no contained resource is called, tells no type; the base validator minds the latter.
  if (typeof found !== 'string') return;
  const allowed = targets.map((target) => typeOfProfile(target, run));
  if (allowed.some((type) => type === 'Resource' || type === found)) return;
  const unknown = targets.find((_, index) => allowed[index] === undefined);
  if (unknown !== undefined) {
    run.leave('definition-not-given', node.id, unknown);
    return;
  }
  run.find('target', node.id, item.path, `must refer to ${[...new Set(allowed)].join(' or ')}`);
}

/** The resource type that a profile is of; undefined when the profile is not given. */
function typeOfProfile(canonical: string, run: Run): string | undefined {
  const [url = ''] = canonical.split('|');
  if (isCoreType(url)) return url.slice(url.lastIndexOf('/') + 1);
  // Which version does not matter: a profile keeps its type.
  const known =
    run.definitions.find('structures', canonical, run.profile.from) ?? run.definitions.find('structures', url);
  return known?.definition.type;
}
