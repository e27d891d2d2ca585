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
