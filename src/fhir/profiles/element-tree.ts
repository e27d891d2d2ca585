import type { Discriminator, ElementDefinition, ElementType, Slicing } from './structure.ts';

/** An element of a profile with what lies below it; built once for each profile. */
export interface ElementNode {
  /** As the guide writes it: `ExplanationOfBenefit.supportingInfo:admissionperiod.timing[x]`. */
  readonly id: string;
  /** The last part without its slice: `timing[x]`. */
  readonly name: string;
  /** Undefined for what the profile only walks through. */
  readonly element: ElementDefinition | undefined;
  readonly min: number;
  readonly max: number;
  readonly children: readonly ElementNode[];
  readonly slices: readonly ElementNode[];
  readonly slicing: Slicing | undefined;
  /** The part after the colon: `admissionperiod`. */
  readonly sliceName: string | undefined;
}

interface Building {
  id: string;
  name: string;
  sliceName: string | undefined;
  element: ElementDefinition | undefined;
  children: Map<string, Building>;
  slices: Map<string, Building>;
}

/** Arranges the elements by their ids; what an id walks through and the list lacks is filled in. */
export function treeOf(elements: readonly ElementDefinition[]): ElementNode {
  const [first] = elements;
  const root = made(first?.id ?? '', first?.id ?? '', undefined);
  root.element = first;
  for (const element of elements.slice(1)) {
    let node = root;
    for (const segment of element.id.split('.').slice(1)) node = stepTo(node, segment);
    node.element ??= element;
  }
  return finished(root);
}

function stepTo(parent: Building, segment: string): Building {
  const colon = segment.indexOf(':');
  const name = colon < 0 ? segment : segment.slice(0, colon);
  let node = parent.children.get(name);
  if (!node) {
    node = made(`${parent.id}.${name}`, name, undefined);
    parent.children.set(name, node);
  }
  if (colon < 0) return node;
  // `a/b` is the slice b of the slice a.
  let path = '';
  for (const slice of segment.slice(colon + 1).split('/')) {
    path = path === '' ? slice : `${path}/${slice}`;
    let next: Building | undefined = node.slices.get(slice);
    if (!next) {
      next = made(`${parent.id}.${name}:${path}`, name, slice);
      node.slices.set(slice, next);
    }
    node = next;
  }
  return node;
}

function made(id: string, name: string, sliceName: string | undefined): Building {
  return { id, name, sliceName, element: undefined, children: new Map(), slices: new Map() };
}

function finished(node: Building): ElementNode {
  const { element } = node;
  const slices = [...node.slices.values()].map(finished);
  return {
    id: node.id,
    name: node.name,
    sliceName: node.sliceName,
    element,
    min: element?.min ?? 0,
    max: element?.max === undefined || element.max === '*' ? Number.POSITIVE_INFINITY : Number(element.max),
    children: [...node.children.values()].map(finished),
    slices,
    slicing: element?.slicing ?? (slices.length > 0 ? impliedSlicing(node.name) : undefined),
  };
}

/** Extensions are sliced by url, choices by type, also where the profile does not say so. */
function impliedSlicing(name: string): Slicing | undefined {
  const discriminator: Discriminator | undefined = /^(modifierE|e)xtension$/.test(name)
    ? { type: 'value', path: 'url' }
    : name.endsWith('[x]')
      ? { type: 'type', path: '$this' }
      : undefined;
  return discriminator && { discriminators: [discriminator], rules: 'open', ordered: false };
}

/** A slice of a choice that says no type is of the type it is named after: `value[x]:valueQuantity`. */
export function typesOf({ element, name, sliceName }: ElementNode): readonly ElementType[] {
  if (element?.types) return element.types;
  const stem = name.endsWith('[x]') ? name.slice(0, -3) : undefined;
  if (stem === undefined || !sliceName?.startsWith(stem) || sliceName === stem) return [];
  return [{ code: sliceName.slice(stem.length), profiles: [], targetProfiles: [] }];
}
