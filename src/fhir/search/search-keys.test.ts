import { expect, test } from 'vitest';
import { RESOURCE_TYPES } from '../resource-types.ts';
import { notCompiled, searchKeysOf } from './search-keys.ts';

test('tokens are kept by code, by system and code, and by system; codes in lower case', () => {
  const { tokens } = searchKeysOf({
    resourceType: 'Observation',
    id: 'o1',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }, { code: 'Local' }] },
  });
  expect(tokens).toEqual(
    expect.arrayContaining([
      'code!',
      'code␟*␟8302-2',
      'code␟http://loinc.org␟8302-2',
      'code␟http://loinc.org␟*',
      'code␟*␟local',
      'code␟␟local',
      'status␟*␟final',
    ]),
  );
  expect(tokens.some((token) => token.startsWith('date!'))).toBe(false);
});

test('references carry their parameter, and only local ones count', () => {
  const { refs } = searchKeysOf({
    resourceType: 'Encounter',
    id: 'e',
    subject: { reference: 'Patient/p' },
    serviceProvider: { reference: 'https://elsewhere.example/Organization/x' },
    location: [{ location: { reference: 'Location/l/_history/2' } }],
  });
  expect(refs).toEqual(expect.arrayContaining(['patient>Patient/p', 'subject>Patient/p', 'location>Location/l']));
  expect(refs.some((ref) => ref.includes('elsewhere'))).toBe(false);
});

test('choices, casts and conditions of the definitions are followed', () => {
  const keys = searchKeysOf({
    resourceType: 'Observation',
    effectivePeriod: { start: '2024-01-01', end: '2024-01-31' },
    valueQuantity: { value: 1.5, system: 'http://unitsofmeasure.org', code: 'kg' },
  });
  expect(keys.extra).toMatchObject({
    date: [['2024-01-01T00:00:00.000Z', '2024-01-31T23:59:59.999Z']],
    'value-quantity': [[1.5, 'http://unitsofmeasure.org', 'kg']],
  });
  const person = searchKeysOf({
    resourceType: 'Patient',
    telecom: [
      { system: 'email', value: 'A@example.org' },
      { system: 'phone', value: '555' },
    ],
    deceasedBoolean: false,
    name: [{ family: 'Venegas', given: ['Mayte'] }],
  });
  expect(person.tokens).toContain('email␟*␟a@example.org');
  expect(person.tokens).not.toContain('email␟*␟555');
  expect(person.tokens).toContain('deceased␟*␟false');
  expect(person.extra).toMatchObject({ family: ['Venegas'], name: [['Venegas', 'Mayte']] });
});

test('every search parameter of R4 is compiled', () => {
  expect(RESOURCE_TYPES.flatMap((type) => notCompiled(type).map((code) => `${type}.${code}`))).toEqual([]);
});
