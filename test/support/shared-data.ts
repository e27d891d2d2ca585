import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Real FHIR data and guides' definitions that lie beside a developer's checkout; a clone may lack them. */
const folder = fileURLToPath(new URL('../../../shared/data', import.meta.url));

export const sharedDataPresent = existsSync(folder);

export function sharedData(...parts: readonly string[]): string {
  return path.join(folder, ...parts);
}
