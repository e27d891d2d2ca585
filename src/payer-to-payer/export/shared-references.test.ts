import { expect, test } from 'vitest';
import { sharedReferencesOf } from './shared-references.ts';

const of = (resource: object): readonly string[] => sharedReferencesOf(Buffer.from(JSON.stringify(resource)));

test('shared resources that a line names come along; members’ own, contained and foreign ones do not', () => {
  expect(
    of({
      resourceType: 'ExplanationOfBenefit',
      patient: { reference: 'Patient/p' },
      insurer: { reference: 'Organization/plan-1' },
      provider: { reference: '#provider' },
      careTeam: [
        { provider: { reference: 'Practitioner/d.1', display: 'Dr' } },
        { provider: { reference: 'https://x.example/Practitioner/9' } },
      ],
      facility: { reference: 'Location/l1/_history/3' },
      insurance: [{ coverage: { reference: 'Coverage/c' } }],
    }),
  ).toEqual(['Organization/plan-1', 'Practitioner/d.1', 'Location/l1']);
});

test('text that looks like a reference is none: inside a JSON string its quotes are escaped', () => {
  expect(of({ resourceType: 'Observation', note: [{ text: '"reference":"Practitioner/hidden"' }] })).toEqual([]);
});

test('a reference that is none of ours in form is passed over', () => {
  expect(
    of({
      a: { reference: 'Practitioner/a b' },
      b: { reference: `Practitioner/${'x'.repeat(65)}` },
      c: { reference: 'x'.repeat(5000) },
      d: { reference: '' },
    }),
  ).toEqual([]);
});
