import { moneyPaths } from './money-paths.ts';
import { patientCompartment, searchParameterTable } from './search-parameters.ts';
import { readStructures } from './source.ts';
import { modifierElements, structureTable, summaryElements } from './structures.ts';
import { ValueSets } from './value-sets.ts';

/** The committed tables as text, by file name without extension. One line per type, so that a change can be reviewed. */
export function definitionTables(): Record<string, string> {
  const structures = readStructures();
  const resourceTypes = new Set(structures.resources.keys());
  const valueSets = new ValueSets();
  return {
    // The structures name the value sets they need, so the codes come second.
    structures: render(structureTable(structures, valueSets)),
    codes: render(valueSets.table()),
    'search-parameters': render(searchParameterTable(resourceTypes)),
    compartment: render(patientCompartment(resourceTypes)),
    'modifier-elements': render(modifierElements(structures)),
    'summary-elements': render(summaryElements(structures)),
    'money-paths': render(moneyPaths(structures)),
  };
}

function render(table: object): string {
  const lines = Object.entries(table).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}
