import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { definitionTables } from './fhir-definitions/tables.ts';

/** Writes the compact tables of `src/fhir/definitions/` from the official R4 definitions; run after an upgrade of them. */
const folder = fileURLToPath(new URL('../src/fhir/definitions/', import.meta.url));
for (const [name, text] of Object.entries(definitionTables())) {
  writeFileSync(`${folder}${name}.json`, text);
  process.stderr.write(`${name}.json: ${text.length} bytes\n`);
}
