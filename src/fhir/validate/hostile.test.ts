import fc from 'fast-check';
import { expect, test } from 'vitest';
import { structureTable } from '../definitions/definitions.ts';
import { RESOURCE_TYPES } from '../resource-types.ts';
import { validateResource } from './validate.ts';

/** Keys that lead deep into the checks, beside keys that nobody knows. */
const keys = fc.constantFrom(
  ...new Set(Object.values(structureTable()).flatMap((nodes) => Object.values(nodes).flatMap(Object.keys))),
  'valueString',
  'valueQuantity',
  'valueReference',
  '_birthDate',
  '_given',
  'resourceType',
  '__proto__',
);
const leaf = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1e308,
    '',
    '#',
    '#a',
    'Patient/1',
    '2024-02-30',
    '2024',
    '<div>',
    'active',
    'Patient',
    'a|b',
  ),
  fc.string(),
  fc.double(),
);
const tree = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'medium' }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
}));

test('whatever JSON is sent, an answer comes and nothing is thrown (property)', () => {
  fc.assert(
    fc.property(fc.constantFrom(...RESOURCE_TYPES), tree.object, (resourceType, fields) => {
      const issues = validateResource({ ...(fields as object), resourceType });
      for (const { path, message } of issues) {
        expect(path.startsWith(resourceType)).toBe(true);
        expect(message.length).toBeLessThan(200);
      }
    }),
    { numRuns: 5_000 },
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(validateResource(value).length).toBeGreaterThan(0);
    }),
  );
});

/** Objects of the right shape for a type, with junk in random places: reaches every rule with values it did not expect. */
function shaped(entropy: Iterator<number>, type: string, node: string, depth: number): unknown {
  const next = (below: number): number => (entropy.next().value as number) % below;
  const elements = Object.entries(structureTable()[type]?.[node] ?? {});
  const result: Record<string, unknown> = {};
  for (let count = next(6) + 1; count > 0 && elements.length > 0; count--) {
    const [name, definition] = elements[next(elements.length)]!;
    const [, max, child, types] = /^\d+\.\.(\d+|\*) (?:@(\S+)|([^=]+))/.exec(definition)!;
    const options = (types ?? '').replaceAll(/\([^)]*\)/g, '').split('|');
    const chosen = options[next(options.length)]!;
    const key = name.endsWith('[x]') ? `${name.slice(0, -3)}${chosen.charAt(0).toUpperCase()}${chosen.slice(1)}` : name;
    const isJunk = depth > 6 || next(4) === 0;
    const value = isJunk
      ? JUNK[next(JUNK.length)]
      : child
        ? shaped(entropy, type, child, depth + 1)
        : shapedType(entropy, chosen, depth, next);
    result[next(12) === 0 ? `_${key}` : key] = max === '*' && next(8) > 0 ? [value, value] : value;
  }
  return result;
}

function shapedType(entropy: Iterator<number>, type: string, depth: number, next: (below: number) => number): unknown {
  if (type === 'Resource') return { ...(shaped(entropy, 'Patient', '', depth + 2) as object), resourceType: 'Patient' };
  return structureTable()[type] ? shaped(entropy, type, '', depth + 1) : JUNK[next(JUNK.length)];
}

const JUNK = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  'x',
  '#',
  '#x',
  'Patient/1',
  '2024-02-30',
  '2024',
  '<div>',
  'active',
  [],
  {},
  [null],
  [[]],
  [{}],
  ['x'],
  { coding: 'x' },
  { id: 'x' },
];

test('nor for resources of the right shape with junk in them (property)', () => {
  fc.assert(
    fc.property(fc.constantFrom(...RESOURCE_TYPES), fc.infiniteStream(fc.nat()), (resourceType, entropy) => {
      const resource = { ...(shaped(entropy, resourceType, '', 0) as object), resourceType };
      expect(Array.isArray(validateResource(resource))).toBe(true);
    }),
    { numRuns: 4_000 },
  );
});

test('no issue quotes content, wherever the content stands (property)', () => {
  const secret = 'Zaphod 42-Beeblebrox';
  const secretTree = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.constant(secret),
      fc.array(tie('value'), { maxLength: 2 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.oneof(keys, fc.constant(secret)), tie('value'), { maxKeys: 6 }),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...RESOURCE_TYPES, secret), secretTree.object, (resourceType, fields) => {
      expect(JSON.stringify(validateResource({ ...(fields as object), resourceType }))).not.toContain('Zaphod');
    }),
    { numRuns: 3_000 },
  );
});

test('each of the 146 types can be compiled and knows its own elements', () => {
  for (const resourceType of RESOURCE_TYPES) {
    const issues = validateResource({ resourceType, id: 'a', meta: { versionId: '1' } });
    expect(issues.filter(({ code }) => code === 'structure' || code === 'value')).toEqual([]);
    expect(
      validateResource({ resourceType, unknownThing: 1 }).some(({ message }) => message.includes('unknownThing')),
    ).toBe(true);
  }
});
