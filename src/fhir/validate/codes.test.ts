import { describe, expect, test } from 'vitest';
import { validateResource } from './validate.ts';

const found = (resource: unknown): string[] => validateResource(resource).map(({ code, path }) => `${code} ${path}`);

describe('required bindings', () => {
  test('a code must be in its list', () => {
    expect(found({ resourceType: 'Patient', gender: 'female' })).toEqual([]);
    expect(found({ resourceType: 'Patient', gender: 'f' })).toEqual(['code-invalid Patient.gender']);
    expect(found({ resourceType: 'Patient', gender: 'toString' })).toEqual(['code-invalid Patient.gender']);
    expect(found({ resourceType: 'Patient', name: [{ use: 'nick', family: 'x' }] })).toEqual([
      'code-invalid Patient.name[0].use',
    ]);
  });

  test('codes of arrays are checked one by one', () => {
    const allergy = {
      resourceType: 'AllergyIntolerance',
      patient: { display: 'x' },
      clinicalStatus: clinical('active'),
    };
    expect(found({ ...allergy, category: ['food', 'medication'] })).toEqual([]);
    expect(found({ ...allergy, category: ['food', 'drink'] })).toEqual(['code-invalid AllergyIntolerance.category[1]']);
  });

  test('of a CodeableConcept one coding, system and code, must be in the list', () => {
    const allergy = (clinicalStatus: object): object => ({
      resourceType: 'AllergyIntolerance',
      patient: { display: 'x' },
      clinicalStatus,
    });
    const wrong = ['code-invalid AllergyIntolerance.clinicalStatus'];
    expect(found(allergy(clinical('resolved')))).toEqual([]);
    expect(
      found(allergy({ coding: [{ system: 'http://example.org', code: 'x' }, ...clinical('active').coding] })),
    ).toEqual([]);
    expect(found(allergy(clinical('gone')))).toEqual(wrong);
    expect(found(allergy({ coding: [{ code: 'active' }] }))).toEqual(wrong);
    expect(found(allergy({ coding: [{ system: 'http://example.org', code: 'active' }] }))).toEqual(wrong);
    expect(found(allergy({ text: 'active' }))).toEqual(wrong);
  });

  test('codes nested in a code system count, and those of several systems under one binding', () => {
    const condition = (code: string): object => ({
      resourceType: 'Condition',
      subject: { display: 'x' },
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code }] },
    });
    expect(found(condition('recurrence'))).toEqual([]);
    expect(found(condition('remission'))).toEqual([]);
    const task = (intent: string): object => ({ resourceType: 'Task', status: 'requested', intent });
    expect(found(task('unknown'))).toEqual([]);
    expect(found(task('order'))).toEqual([]);
    expect(found(task('directive'))).toEqual(['code-invalid Task.intent']);
  });

  test('DetectedIssue.status takes the codes of R4, not those of R5', () => {
    expect(found({ resourceType: 'DetectedIssue', status: 'registered' })).toEqual([]);
    expect(found({ resourceType: 'DetectedIssue', status: 'mitigated' })).toEqual([
      'code-invalid DetectedIssue.status',
    ]);
  });

  test('lists that are not in the specification are not guessed: languages, MIME types; a currency has its form', () => {
    const binary = { resourceType: 'Binary', contentType: 'application/x-anything' };
    expect(found({ ...binary, language: 'de-AT' })).toEqual([]);
    const invoice = (currency: string): object => ({
      resourceType: 'Invoice',
      status: 'draft',
      totalNet: { value: 1, currency },
    });
    expect(found(invoice('USD'))).toEqual([]);
    expect(found(invoice('usd'))).toEqual(['invariant Invoice.totalNet']);
    expect(found(invoice('US Dollar'))).toEqual(['invariant Invoice.totalNet']);
  });
});

function clinical(code: string): { coding: readonly object[] } {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code }] };
}
