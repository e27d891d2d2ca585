import { parseDay } from '../../src/sandbox/generate/calendar.ts';
import type { Resource } from '../../src/sandbox/generate/fhir.ts';
import { population } from '../../src/sandbox/generate/population.ts';
import { sandboxResources } from '../../src/sandbox/sandbox-plan.ts';

export const AS_OF = parseDay('2026-11-24') as number;

/** What the generator writes, as a reader of its files sees it. */
export type Json = Record<string, any>;

const parsed = (resources: Iterable<Resource>): Json[] =>
  [...resources].map((resource) => JSON.parse(JSON.stringify(resource)));

/** A drawn plan of `members` members and both sandbox plans; each is a world of its own. */
export function generatedWorlds(members: number): Record<string, Json[]> {
  return {
    drawn: parsed(population({ members, seed: 'tests', asOf: AS_OF })),
    demo: parsed(sandboxResources('demo', AS_OF)),
    bison: parsed(sandboxResources('bison', AS_OF)),
  };
}

/** Every object and array inside, with the keys that lead to it. */
export function* walk(
  value: unknown,
  path: readonly string[] = [],
): Generator<{ value: any; path: readonly string[] }> {
  if (typeof value !== 'object' || value === null) return;
  yield { value, path };
  for (const [key, child] of Object.entries(value)) yield* walk(child, [...path, key]);
}
