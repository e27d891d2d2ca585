import { membersOf } from '../bundle/json-text.ts';
import { modifierElementTable, structureTable } from '../definitions/definitions.ts';

/** What FHIR marks a resource with from which elements were left out. */
const SUBSETTED = '{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}';

/** Cuts the text of one resource of a type; canonical JSON in, canonical JSON out. */
export type ElementCut = (text: string) => string;

/**
 * Does the type have this element at its root? `value` and `value[x]` name a choice, `valueQuantity` one form of it.
 */
export function hasElement(type: string, name: string): boolean {
  return propertiesOf(type, name).length > 0;
}

/**
 * Leaves the named elements of a resource and those that must be there: `id`, `meta`, what the type demands (minimum 1),
 * and what may change the meaning of the rest (`isModifier`). The resource is tagged SUBSETTED. Numbers keep their
 * digits: nothing is parsed.
 *
 * Source: FHIR R4 search 3.1.1.5.9 (`_elements`); Bulk Data 2, `_elements`
 */
export function compileElements(type: string, names: readonly string[]): ElementCut {
  const root = structureTable()[type]?.[''] ?? {};
  const mandatory = Object.keys(root).filter((name) => root[name]!.startsWith('1..'));
  const kept = new Set(['resourceType', 'id', 'meta']);
  for (const name of [...names, ...mandatory, ...(modifierElementTable()[type] ?? [])])
    for (const property of propertiesOf(type, name)) kept.add(property);
  return (text) => {
    const members = membersOf(text, 0);
    const isKept = (key: string): boolean => kept.has(key.startsWith('_') ? key.slice(1) : key);
    // A reference to what is contained goes nowhere without it.
    const needsContained = [...members].some(
      ([key, { start, end }]) => isKept(key) && text.slice(start, end).includes('"reference":"#'),
    );
    const parts: string[] = [];
    let tagged = false;
    for (const [key, { start, end }] of members) {
      if (!isKept(key) && !(needsContained && key === 'contained')) continue;
      const value = text.slice(start, end);
      parts.push(`"${key}":${key === 'meta' ? withTag(value) : value}`);
      tagged ||= key === 'meta';
    }
    // A resource begins with its type.
    if (!tagged) parts.splice(1, 0, `"meta":${withTag('{}')}`);
    return `{${parts.join(',')}}`;
  };
}

/** The JSON properties of an element: one, or one for each type of a choice. */
function propertiesOf(type: string, name: string): readonly string[] {
  const root = structureTable()[type]?.[''] ?? {};
  const plain = name.replace(/\[x\]$/, '');
  if (Object.hasOwn(root, plain)) return [plain];
  const all = Object.entries(root)
    .filter(([element]) => element.endsWith('[x]'))
    .map(([element, spec]) => ({
      stem: element.slice(0, -3),
      types: spec
        .slice(spec.indexOf(' ') + 1)
        .split('|')
        .map((one) => one.replace(/[(=].*$/s, '')),
    }));
  const variants = all.flatMap(({ stem, types }) =>
    types.map((one) => ({ stem, property: stem + one[0]!.toUpperCase() + one.slice(1) })),
  );
  return variants.filter(({ stem, property }) => stem === plain || property === name).map(({ property }) => property);
}

function withTag(meta: string): string {
  const members = membersOf(meta, 0);
  const tag = members.get('tag');
  if (!tag) return meta === '{}' ? `{"tag":[${SUBSETTED}]}` : `${meta.slice(0, -1)},"tag":[${SUBSETTED}]}`;
  const tags = meta.slice(tag.start, tag.end);
  if (tags.includes('"SUBSETTED"')) return meta;
  return `${meta.slice(0, tag.end - 1)}${tags === '[]' ? '' : ','}${SUBSETTED}${meta.slice(tag.end - 1)}`;
}
