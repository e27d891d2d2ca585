import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sharedData, sharedDataPresent } from '../../../test/support/shared-data.ts';
import type { Found } from './compile-expression.ts';
import { compileSearch } from './compile-search.ts';
import { type SimpleParameter, searchParametersOf } from './parameters.ts';
import { parseSearchQuery } from './parse-query.ts';

// Every parameter on real data: what a parameter finds in a resource, a search for that value finds the resource by.

const NOW = new Date('2026-11-25T00:00:00Z');
type Json = Record<string, any>;

function* resourcesOf(resource: Json): Generator<Json> {
  yield resource;
  if (resource.resourceType === 'Bundle')
    for (const entry of resource.entry ?? []) if (entry.resource) yield* resourcesOf(entry.resource);
}

const escaped = (text: unknown): string => encodeURIComponent(String(text).replace(/[\\,|$]/g, '\\$&'));

/** Searches that must find the resource because of this value. */
function searchesFor(parameter: SimpleParameter, { value, type }: Found): readonly string[] {
  const it = value as any;
  switch (parameter.type) {
    case 'token': {
      if (typeof it !== 'object') return [`=${escaped(it)}`];
      const codings: Json[] =
        type === 'CodeableConcept'
          ? (it.coding ?? [])
          : [
              {
                system: type === 'ContactPoint' ? undefined : it.system,
                code: type === 'Identifier' || type === 'ContactPoint' ? it.value : it.code,
              },
            ];
      return codings.flatMap(({ system, code }) =>
        code === undefined
          ? []
          : [`=${escaped(code)}`, ...(system ? [`=${escaped(system)}|${escaped(code)}`, `=${escaped(system)}|`] : [])],
      );
    }
    case 'reference': {
      const reference = typeof it === 'string' ? it : it.reference;
      return /^(?:[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}|[a-z]+:\S+)$/.test(reference ?? '')
        ? [`=${escaped(reference)}`]
        : [];
    }
    case 'string': {
      const text = typeof it === 'string' ? it : (it.text ?? it.family ?? it.city ?? it.given?.[0] ?? it.line?.[0]);
      return typeof text === 'string' && text !== ''
        ? [`=${escaped(text)}`, `:exact=${escaped(text)}`, `:contains=${escaped(text.slice(-3))}`]
        : [];
    }
    case 'date': {
      const text =
        typeof it === 'string' ? it : (it.start ?? it.end ?? it.event?.[0] ?? it.repeat?.boundsPeriod?.start);
      return typeof text === 'string'
        ? [`=${typeof it === 'string' ? '' : it.start ? 'ge' : 'le'}${encodeURIComponent(text)}`]
        : [];
    }
    case 'quantity':
      return typeof it.value === 'number' && !/e/i.test(String(it.value)) && it.comparator === undefined
        ? [`=${it.value}`, `=ge${it.value}`]
        : [];
    case 'number':
      return typeof it === 'number' ? [`=${it}`] : [];
    case 'uri':
      return [`=${escaped(it)}`];
    default:
      return parameter.type satisfies never;
  }
}

describe.skipIf(!sharedDataPresent)('published examples', () => {
  test.each(['carin-bb', 'pdex', 'us-core', 'synthea'])(
    'P2P-28 in %s each value that a parameter has is found by it',
    (folder) => {
      const wrong: string[] = [];
      const used = new Set<string>();
      const seen = new Set<string>();
      for (const file of globSync('**/*.{json,ndjson}', { cwd: sharedData(folder) }).filter(
        (name) => !/log\.ndjson$/.test(name),
      )) {
        const text = readFileSync(sharedData(folder, file), 'utf8');
        const all = file.endsWith('.ndjson')
          ? text
              .split('\n')
              .filter((line) => line.trim() !== '')
              .slice(0, 50)
          : [text];
        for (const resource of all.flatMap((one) => [...resourcesOf(JSON.parse(one))])) {
          for (const parameter of searchParametersOf(resource.resourceType).values()) {
            if (parameter.type === 'composite') continue;
            const found: Found[] = [];
            parameter.extract(resource, found);
            for (const search of found.flatMap((one) => searchesFor(parameter, one))) {
              const query = `${resource.resourceType}?${parameter.code}${search}`;
              if (seen.has(`${resource.id} ${query}`)) continue;
              seen.add(`${resource.id} ${query}`);
              used.add(`${resource.resourceType}.${parameter.code}`);
              const one = parseSearchQuery(query);
              if (!compileSearch(one, NOW)(resource)) wrong.push(`${file}: ${query}`);
            }
          }
        }
      }
      expect(wrong).toEqual([]);
      expect(used.size).toBeGreaterThan(30);
    },
  );
});
