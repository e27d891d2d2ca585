import { choiceName, type ElementDefinition, type StructureDefinition, type Structures, typeCode } from './source.ts';

/**
 * Every place where R4 allows a Money, as wire paths under the type: `item[].adjudication[].amount`,
 * `costToBeneficiary[].valueMoney`; `[]` marks an array. Types without any are left out. Data types that hold a Money
 * themselves (Extension, Money in a Dosage ...) are listed under their own name and not repeated where they are used,
 * since an extension may stand on every element.
 *
 * An element that refers to another's content (`item.detail.adjudication`) is unfolded; a recursion (parts of parts)
 * is unfolded once and then ends in `[*]`: any depth of the same.
 */
export function moneyPaths(structures: Structures): Record<string, string[]> {
  const table: Record<string, string[]> = {};
  for (const definition of [...structures.types.values(), ...structures.resources.values()]) {
    const paths = [...pathsUnder(definition, definition.name, '', [])];
    if (paths.length > 0) table[definition.name] = paths;
  }
  return table;
}

function* pathsUnder(
  definition: StructureDefinition,
  parent: string,
  wire: string,
  open: readonly string[],
): Generator<string> {
  for (const element of definition.snapshot.element) {
    if (!isChild(element, parent)) continue;
    const name = element.path.slice(parent.length + 1);
    const array = element.max === '1' ? '' : '[]';
    if (element.type?.some((type) => typeCode(type) === 'Money')) {
      yield `${wire}${name.endsWith('[x]') ? choiceName(name, 'Money') : name}${array}`;
      continue;
    }
    const content = element.contentReference?.slice(1) ?? element.path;
    if (open.includes(content)) {
      if (hasMoney(definition, content)) yield `${wire}${name}[*]`;
      continue;
    }
    yield* pathsUnder(definition, content, `${wire}${name}${array}.`, [...open, content]);
  }
}

function isChild(element: ElementDefinition, parent: string): boolean {
  return element.path.startsWith(`${parent}.`) && !element.path.slice(parent.length + 1).includes('.');
}

function hasMoney(definition: StructureDefinition, under: string): boolean {
  return definition.snapshot.element.some(
    (element) =>
      element.path.startsWith(`${under}.`) && element.type?.some((type) => typeCode(type) === 'Money') === true,
  );
}
