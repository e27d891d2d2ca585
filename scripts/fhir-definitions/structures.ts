import { type ElementDefinition, type StructureDefinition, type Structures, typeCode, typeNameOf } from './source.ts';
import type { ValueSets } from './value-sets.ts';

/**
 * Every type as its nodes (the type itself under '', each backbone under its path), each node as its elements:
 *
 *   "name": "0..* HumanName"                    "subject": "1..1 Reference(Group,Patient)"
 *   "gender": "0..1 code=administrative-gender" "deceased[x]": "0..1 boolean|dateTime"
 *   "contact": "0..* @contact"                  "item.detail.adjudication": "0..* @item.adjudication"
 *
 * `@` names the node that holds the children; `=` names a required binding whose codes are in `codes.json`. A
 * Reference without a list may name any type.
 */
export function structureTable(structures: Structures, valueSets: ValueSets): Record<string, object> {
  const table: Record<string, object> = {};
  for (const definition of [...structures.types.values(), ...structures.resources.values()]) {
    if (definition.kind !== 'primitive-type') table[definition.name] = nodesOf(definition, valueSets);
  }
  return table;
}

/** By resource type, the elements at its root that may change what the others mean (`isModifier`). */
export const modifierElements = (structures: Structures): Record<string, string[]> =>
  elementsWith(structures, ({ isModifier }) => isModifier === true);

/** By resource type, the elements at its root that a summary has (`isSummary`). */
export const summaryElements = (structures: Structures): Record<string, string[]> =>
  elementsWith(structures, ({ isSummary }) => isSummary === true);

function elementsWith(
  structures: Structures,
  isWanted: (element: ElementDefinition) => boolean,
): Record<string, string[]> {
  const table: Record<string, string[]> = {};
  for (const { name, snapshot } of structures.resources.values())
    table[name] = snapshot.element
      .filter((element) => isWanted(element) && element.max !== '0' && element.path.split('.').length === 2)
      .map(({ path }) => path.slice(name.length + 1));
  return table;
}

/** R4 types these as FHIRPath strings; their definitions in words give them a form. */
const STRINGS_WITH_FORM: Readonly<Record<string, string>> = { 'Resource.id': 'id', 'Extension.url': 'uri' };

function nodesOf(definition: StructureDefinition, valueSets: ValueSets): Record<string, Record<string, string>> {
  const nodes: Record<string, Record<string, string>> = {};
  const prefix = definition.name.length + 1;
  for (const element of definition.snapshot.element) {
    if (!element.path.includes('.') || element.max === '0') continue;
    const path = element.path.slice(prefix);
    const cut = path.lastIndexOf('.');
    const node = cut < 0 ? '' : path.slice(0, cut);
    nodes[node] ??= {};
    nodes[node][path.slice(cut + 1)] = `${element.min}..${element.max} ${contentOf(element, path, prefix, valueSets)}`;
  }
  return nodes;
}

function contentOf(element: ElementDefinition, path: string, prefix: number, valueSets: ValueSets): string {
  if (element.contentReference) return `@${element.contentReference.slice(1 + prefix)}`;
  const types = element.type ?? [];
  if (types.some((type) => type.code === 'BackboneElement' || type.code === 'Element')) return `@${path}`;
  const binding = element.binding?.strength === 'required' ? valueSets.use(element.binding.valueSet) : undefined;
  const shown = types.map((type) => {
    const targets = (type.targetProfile ?? []).map(typeNameOf).sort();
    const code = STRINGS_WITH_FORM[element.base?.path ?? element.path] ?? typeCode(type);
    const list = code === 'Reference' && !targets.includes('Resource') ? targets : [];
    return `${code}${list.length > 0 ? `(${list.join(',')})` : ''}`;
  });
  return `${shown.join('|')}${binding ? `=${binding}` : ''}`;
}
