import { describe, expect, test } from 'vitest';
import { DEPTH_MAX, ISSUES_MAX } from './run.ts';
import { validateResource } from './validate.ts';

const patient = (fields: object): object => ({ resourceType: 'Patient', ...fields });
const found = (resource: unknown): string[] => validateResource(resource).map(({ code, path }) => `${code} ${path}`);

describe('resources', () => {
  test('the smallest Patient is good', () => {
    expect(found(patient({}))).toEqual([]);
  });

  test.each([
    [undefined],
    [null],
    ['Patient'],
    [7],
    [[]],
    [{}],
    [{ resourceType: 7 }],
    [{ resourceType: 'DomainResource' }],
    [{ resourceType: '__proto__' }],
    [{ resourceType: 'constructor' }],
  ])('%j is no resource of R4', (value) => {
    expect(found(value)).toEqual(['structure Resource']);
  });

  test('an element that R4 does not have is refused, also one of Object’s own names', () => {
    expect(found(patient({ favouriteColour: 'red' }))).toEqual(['structure Patient']);
    expect(found(JSON.parse('{"resourceType":"Patient","__proto__":{"a":1}}'))).toEqual(['structure Patient']);
    expect(found(patient({ toString: 'x' }))).toEqual(['structure Patient']);
    expect(found(patient({ name: [{ surname: 'x' }] }))).toEqual(['structure Patient.name[0]']);
  });

  test('elements of later versions are none of R4: ResearchStudy.label, Meta.project, Binary.url', () => {
    const study = { resourceType: 'ResearchStudy', status: 'active' };
    expect(found(study)).toEqual([]);
    expect(found({ ...study, label: [{ value: 'x' }] })).toEqual(['structure ResearchStudy']);
    expect(found(patient({ meta: { project: 'x' } }))).toEqual(['structure Patient.meta']);
    const binary = { resourceType: 'Binary', contentType: 'text/plain' };
    expect(found(binary)).toEqual([]);
    expect(found({ ...binary, url: 'http://example.org' })).toEqual(['structure Binary']);
  });

  test('the name of an unknown element is quoted only when it looks like one', () => {
    expect(validateResource(patient({ maidenName: 1 }))[0]?.message).toContain('maidenName');
    expect(validateResource(patient({ 'Jay Young 2001-03-11': 1 }))[0]?.message).not.toContain('Jay');
  });
});

describe('cardinality', () => {
  test('a required element must be there; extensions of a primitive stand for it', () => {
    expect(found({ resourceType: 'Observation', status: 'final' })).toEqual(['required Observation']);
    expect(found({ resourceType: 'Observation', status: 'final', code: { text: 'x' } })).toEqual([]);
    const absent = { extension: [{ url: 'http://example.org/absent', valueCode: 'unknown' }] };
    expect(found({ resourceType: 'Observation', _status: absent, code: { text: 'x' } })).toEqual([]);
  });

  test('required elements of a backbone are required where the backbone is', () => {
    expect(found(patient({ communication: [{ preferred: true }] }))).toEqual(['required Patient.communication[0]']);
    expect(found(patient({ communication: [{ language: { text: 'en' } }] }))).toEqual([]);
  });

  test('what repeats is an array, what does not is none', () => {
    expect(found(patient({ name: { family: 'x' } }))).toEqual(['structure Patient.name']);
    expect(found(patient({ gender: ['female'] }))).toEqual(['structure Patient.gender']);
    expect(found(patient({ maritalStatus: [{ text: 'x' }] }))).toEqual(['structure Patient.maritalStatus']);
    expect(found(patient({ name: ['x'] }))).toEqual(['structure Patient.name[0]']);
  });

  test('nothing is empty: no empty array, object or string, no null (ele-1)', () => {
    expect(found(patient({ name: [] }))).toEqual(['structure Patient.name']);
    expect(found(patient({ name: [{ given: [] }] }))).toEqual(['structure Patient.name[0].given']);
    expect(found(patient({ name: [{}] }))).toEqual(['structure Patient.name[0]']);
    expect(found(patient({ name: [{ family: '' }] }))).toEqual(['value Patient.name[0].family']);
    expect(found(patient({ birthDate: null }))).toEqual(['structure Patient.birthDate']);
    expect(found(patient({ name: null }))).toEqual(['structure Patient.name']);
    expect(found(patient({ name: [null] }))).toEqual(['structure Patient.name[0]']);
    expect(found(patient({ maritalStatus: null }))).toEqual(['structure Patient.maritalStatus']);
  });

  test('an element with nothing but an id is empty (ele-1)', () => {
    expect(found(patient({ name: [{ id: 'a' }] }))).toEqual(['invariant Patient.name[0]']);
    expect(found(patient({ name: [{ id: 'a', family: 'x' }] }))).toEqual([]);
    expect(found({ resourceType: 'Parameters', id: 'nothing-else' })).toEqual([]);
  });
});

describe('choice elements', () => {
  test('one type of value[x], never two (also not one as value and one as extension)', () => {
    const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
    expect(found({ ...observation, valueString: 'a' })).toEqual([]);
    expect(found({ ...observation, valueString: 'a', valueBoolean: true })).toEqual(['structure Observation']);
    const extension = [{ url: 'http://example.org/x', valueString: 'b' }];
    expect(found({ ...observation, valueString: 'a', _valueString: { extension } })).toEqual([]);
    expect(found({ ...observation, valueString: 'a', _valueBoolean: { extension } })).toEqual([
      'structure Observation',
    ]);
    expect(found({ ...observation, valueString: 'a', effectiveDateTime: '2024' })).toEqual([]);
  });

  test('a type that the choice does not offer is unknown, and so is the choice without a type', () => {
    const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
    expect(found({ ...observation, valueMoney: { value: 1 } })).toEqual(['structure Observation']);
    expect(found({ ...observation, value: 'a' })).toEqual(['structure Observation']);
  });

  test('a required choice is met by any of its types', () => {
    const statement = { resourceType: 'MedicationStatement', status: 'active', subject: { display: 'x' } };
    expect(found(statement)).toEqual(['required MedicationStatement']);
    expect(found({ ...statement, medicationCodeableConcept: { text: 'x' } })).toEqual([]);
    expect(found({ ...statement, medicationReference: { display: 'x' } })).toEqual([]);
  });
});

describe('primitive extensions', () => {
  const extension = [{ url: 'http://example.org/x', valueString: 'y' }];

  test('_birthDate goes with birthDate or alone; an id alone only beside a value', () => {
    expect(found(patient({ birthDate: '1980', _birthDate: { extension } }))).toEqual([]);
    expect(found(patient({ _birthDate: { extension } }))).toEqual([]);
    expect(found(patient({ birthDate: '1980', _birthDate: { id: 'a' } }))).toEqual([]);
    expect(found(patient({ _birthDate: { id: 'a' } }))).toEqual(['invariant Patient._birthDate']);
    expect(found(patient({ birthDate: '1980', _birthDate: {} }))).toEqual(['structure Patient._birthDate']);
    expect(found(patient({ birthDate: '1980', _birthDate: 'x' }))).toEqual(['structure Patient._birthDate']);
    expect(found(patient({ birthDate: '1980', _birthDate: [{ extension }] }))).toEqual([
      'structure Patient._birthDate',
    ]);
    expect(found(patient({ _birthDate: { value: '1980', extension } }))).toEqual(['structure Patient._birthDate']);
  });

  test('complex elements have no underscore', () => {
    expect(found(patient({ _name: [{ extension }] }))).toEqual(['structure Patient']);
  });

  test('in arrays a null is a place that the other array fills (json.html#primitive)', () => {
    const name = (fields: object): string[] => found(patient({ name: [fields] }));
    expect(name({ given: ['a', null], _given: [null, { extension }] })).toEqual([]);
    expect(name({ given: ['a', 'b'], _given: [{ extension }] })).toEqual([]);
    expect(name({ _given: [{ extension }] })).toEqual([]);
    expect(name({ given: ['a', null] })).toEqual(['structure Patient.name[0].given[1]']);
    expect(name({ given: ['a', null], _given: [{ extension }] })).toEqual(['structure Patient.name[0].given[1]']);
    expect(name({ given: [null], _given: [null] })).toHaveLength(2);
    expect(name({ _given: [null] })).toEqual(['structure Patient.name[0]._given[0]']);
    expect(name({ _given: [] })).toEqual(['structure Patient.name[0]._given']);
    expect(name({ _given: { extension } })).toEqual(['structure Patient.name[0]._given']);
  });
});

describe('bounds', () => {
  test('nesting is bounded, without a stack overflow at any depth', () => {
    const nested = (depth: number): object => {
      let extension: object = { url: 'http://example.org/x', valueString: 'y' };
      for (let level = 0; level < depth; level++) extension = { url: 'http://example.org/x', extension: [extension] };
      return patient({ extension: [extension] });
    };
    expect(found(nested(DEPTH_MAX - 10))).toEqual([]);
    const refused = validateResource(nested(5_000));
    expect(refused).toHaveLength(1);
    expect(refused[0]?.message).toContain('nested too deeply');
  });

  test('a resource full of errors gives no more than a hundred issues', () => {
    const issues = validateResource(patient({ name: Array.from({ length: 10_000 }, () => ({})) }));
    expect(issues).toHaveLength(ISSUES_MAX);
  });
});
