import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileElements, hasElement } from './elements.ts';

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
const cut = (names: readonly string[], resource: Record<string, unknown>): any =>
  JSON.parse(compileElements(String(resource.resourceType), names)(JSON.stringify(resource)));

describe('_elements', () => {
  test('keeps what was named, what is mandatory, what modifies, id and meta; the companion of a primitive goes with it', () => {
    const patient = {
      resourceType: 'Patient',
      id: 'p',
      meta: { versionId: '3' },
      active: false,
      name: [{ family: 'x' }],
      gender: 'female',
      _gender: { id: 'g' },
      birthDate: '2000-01-01',
      _birthDate: { id: 'b' },
      deceasedBoolean: true,
      link: [{ type: 'seealso' }],
      modifierExtension: [{ url: 'urn:m' }],
    };
    expect(cut(['birthDate'], patient)).toEqual({
      resourceType: 'Patient',
      id: 'p',
      meta: { versionId: '3', tag: [SUBSETTED] },
      active: false,
      birthDate: '2000-01-01',
      _birthDate: { id: 'b' },
      deceasedBoolean: true,
      link: [{ type: 'seealso' }],
      modifierExtension: [{ url: 'urn:m' }],
    });
  });
  test('a choice by its stem, with [x], and by one of its forms', () => {
    const observation = {
      resourceType: 'Observation',
      status: 'final',
      code: {},
      valueQuantity: { value: 1 },
      effectiveDateTime: '2025',
    };
    for (const name of ['value', 'value[x]', 'valueQuantity'])
      expect(Object.keys(cut([name], observation))).toEqual([
        'resourceType',
        'meta',
        'status',
        'code',
        'valueQuantity',
      ]);
    expect(Object.keys(cut(['valueString'], observation))).toEqual(['resourceType', 'meta', 'status', 'code']);
  });
  test('the tag joins others, once', () => {
    const tagged = (tag: unknown) => cut(['id'], { resourceType: 'Patient', id: '1', meta: { tag } }).meta.tag;
    expect(tagged([{ code: 'a' }])).toEqual([{ code: 'a' }, SUBSETTED]);
    expect(tagged([SUBSETTED])).toEqual([SUBSETTED]);
    expect(tagged([])).toEqual([SUBSETTED]);
    expect(cut(['id'], { resourceType: 'Patient', id: '1' }).meta).toEqual({ tag: [SUBSETTED] });
    expect(cut(['id'], { resourceType: 'Patient', id: '1', meta: {} }).meta).toEqual({ tag: [SUBSETTED] });
  });
  test('numbers and escapes are copied as they stand', () => {
    const text =
      '{"resourceType":"Observation","id":"1","status":"final","code":{"text":"a\\"}\\\\"},"valueQuantity":{"value":1.50},"note":[{"text":"x"}]}';
    expect(compileElements('Observation', ['value'])(text)).toContain(
      '"code":{"text":"a\\"}\\\\"},"valueQuantity":{"value":1.50}}',
    );
  });
  test('contained resources stay where what is kept refers to them', () => {
    const encounter = {
      resourceType: 'Encounter',
      contained: [{ resourceType: 'Location', id: 'l' }],
      status: 'finished',
      class: {},
      subject: { reference: '#l' },
    };
    expect(cut(['subject'], encounter)).toHaveProperty('contained');
    expect(cut(['period'], encounter)).not.toHaveProperty('contained');
  });
  test('whatever is in a resource, the cut one is a part of it and says so', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('name', 'gender', 'birthDate', 'address', 'photo', 'active'), fc.jsonValue()),
        (elements) => {
          const patient = JSON.parse(JSON.stringify({ resourceType: 'Patient', ...elements }));
          const { meta, ...rest } = cut(['name', 'gender'], patient);
          expect(meta).toEqual({ tag: [SUBSETTED] });
          for (const key of Object.keys(rest)) expect(rest[key]).toEqual(patient[key]);
          expect(Object.keys(rest).sort()).toEqual(
            Object.keys(patient)
              .filter((key) => ['resourceType', 'name', 'gender', 'active'].includes(key))
              .sort(),
          );
        },
      ),
    );
  });
});

test.each([
  ['Patient', 'birthDate', true],
  ['Patient', 'deceased', true],
  ['Patient', 'deceasedBoolean', true],
  ['Patient', 'id', true],
  ['Patient', 'birthdate', false],
  ['Patient', 'deceasedQuantity', false],
  ['Patient', 'constructor', false],
  ['Nothing', 'id', false],
])('%s has the element %s: %s', (type, name, expected) => {
  expect(hasElement(type, name)).toBe(expected);
});
