import { describe, expect, test } from 'vitest';
import { validateResource } from './validate.ts';

const found = (resource: unknown): string[] => validateResource(resource).map(({ code, path }) => `${code} ${path}`);

describe('references', () => {
  const observation = (subject: object): object => ({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'x' },
    subject,
  });
  const refused = ['Observation.subject.reference'];
  const pathsFor = (reference: unknown): string[] =>
    validateResource(observation({ reference })).map(({ path }) => path);

  test.each([
    ['Patient/1'],
    ['Patient/1/_history/2'],
    ['Patient?identifier=http://example.org|1'],
    ['http://example.org/r4/Patient/1'],
    ['https://example.org/r4/Patient/1/_history/3'],
    ['https://example.org/anything'],
    ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520'],
    ['urn:oid:1.2.3'],
  ])('%s may be a subject', (reference) => {
    expect(pathsFor(reference)).toEqual([]);
  });

  test.each([
    ['Organization/1'],
    ['Organization?identifier=1'],
    ['https://example.org/r4/Organization/1'],
    ['Sheep/1'],
    ['1'],
    ['Patient'],
    ['Patient/a_b'],
    ['patient/1'],
    ['/Patient/1'],
    ['Patient/1/2'],
    [''],
  ])('%s may not', (reference) => {
    expect(pathsFor(reference)).toEqual(refused);
  });

  test('a type in an absolute address counts only when R4 knows it', () => {
    expect(pathsFor('https://example.org/Documents/1')).toEqual([]);
  });

  test('Reference.type must be one the element allows', () => {
    expect(found(observation({ type: 'Patient', display: 'x' }))).toEqual([]);
    expect(found(observation({ type: 'Claim', display: 'x' }))).toEqual(['structure Observation.subject.type']);
  });

  test('an element without a list of targets takes every type', () => {
    const provenance = {
      resourceType: 'Provenance',
      target: [{ reference: 'Claim/1' }],
      recorded: '2024-01-01T00:00:00Z',
      agent: [{ who: { display: 'x' } }],
    };
    expect(found(provenance)).toEqual([]);
    expect(found({ ...provenance, target: [{ reference: 'Sheep/1' }] })).toHaveLength(1);
  });
});

describe('contained resources', () => {
  const organization = { resourceType: 'Organization', id: 'org', name: 'x' };
  const patient = (contained: readonly object[], reference = '#org'): object => ({
    resourceType: 'Patient',
    contained,
    managingOrganization: { reference },
  });

  test('a contained resource that is referred to is good', () => {
    expect(found(patient([organization]))).toEqual([]);
  });

  test('ref-1: a local reference needs its contained resource', () => {
    expect(found({ resourceType: 'Patient', managingOrganization: { reference: '#org' } })).toEqual([
      'invariant Patient.managingOrganization.reference',
    ]);
  });

  test('dom-3: one that nobody refers to is refused, unless it refers to the resource around it', () => {
    expect(found(patient([organization, { ...organization, id: 'other' }]))).toEqual([
      'invariant Patient.contained[1]',
    ]);
    const provenance = {
      resourceType: 'Provenance',
      id: 'p',
      target: [{ reference: '#' }],
      recorded: '2024-01-01T00:00:00Z',
      agent: [{ who: { display: 'x' } }],
    };
    expect(found({ resourceType: 'Patient', contained: [provenance] })).toEqual([]);
    expect(
      found({ resourceType: 'Patient', contained: [{ ...provenance, target: [{ reference: 'Patient/1' }] }] }),
    ).toEqual(['invariant Patient.contained[0]']);
  });

  test('dom-3: a contained resource without an id cannot be referred to', () => {
    expect(found({ resourceType: 'Patient', contained: [{ resourceType: 'Organization', name: 'x' }] })).toEqual([
      'invariant Patient.contained[0]',
    ]);
  });

  test('a canonical and a uri may point at a contained resource, too', () => {
    const questionnaire = { resourceType: 'Questionnaire', id: 'q', status: 'active' };
    const response = { resourceType: 'QuestionnaireResponse', status: 'completed', contained: [questionnaire] };
    expect(found({ ...response, questionnaire: '#q' })).toEqual([]);
    expect(found(response)).toEqual(['invariant QuestionnaireResponse.contained[0]']);
  });

  test('dom-2: no contained resource inside a contained one', () => {
    expect(
      found(
        patient([{ ...organization, contained: [{ ...organization, id: 'inner' }], partOf: { reference: '#inner' } }]),
      ),
    ).toContain('invariant Patient.contained[0]');
  });

  test('dom-4 and dom-5: no version, no time of update, no security label; a profile is fine', () => {
    expect(found(patient([{ ...organization, meta: { profile: ['http://example.org/p'] } }]))).toEqual([]);
    expect(found(patient([{ ...organization, meta: { versionId: '1' } }]))).toEqual(['invariant Patient.contained[0]']);
    expect(found(patient([{ ...organization, meta: { lastUpdated: '2024-01-01T00:00:00Z' } }]))).toEqual([
      'invariant Patient.contained[0]',
    ]);
    expect(found(patient([{ ...organization, meta: { security: [{ code: 'R' }] } }]))).toEqual([
      'invariant Patient.contained[0]',
    ]);
  });

  test('two contained resources do not share an id', () => {
    expect(found(patient([organization, organization]))).toEqual(['invariant Patient.contained[1]']);
  });

  test('a contained resource is checked like any other', () => {
    expect(found(patient([{ ...organization, colour: 'red' }]))).toEqual(['structure Patient.contained[0]']);
    expect(found(patient([{ id: 'org', name: 'x' }]))).toEqual(['structure Patient.contained[0]']);
  });

  test('each entry of a Bundle has contained resources of its own', () => {
    const bundle = (entries: readonly object[]): object => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: entries.map((resource) => ({ resource })),
    });
    const plain = { resourceType: 'Patient', managingOrganization: { reference: '#org' } };
    expect(found(bundle([patient([organization]), patient([organization])]))).toEqual([]);
    expect(found(bundle([patient([organization]), plain]))).toEqual([
      'invariant Bundle.entry[1].resource.managingOrganization.reference',
    ]);
  });
});
