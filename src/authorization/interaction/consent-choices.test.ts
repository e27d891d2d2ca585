import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseScope } from '../scopes.ts';
import { choicesOf, grantedScopes, SHAREABLE_TYPES } from './consent-choices.ts';

const everything = (): boolean => true;
const CLAIMS = new Set(['ExplanationOfBenefit', 'Coverage', 'Claim', 'ClaimResponse']);
const clinical = (type: string): boolean => !CLAIMS.has(type);
const CATEGORY = 'category=http://terminology.hl7.org/CodeSystem';

const idsOf = (scopes: readonly string[], mayShare = everything as (type: string) => boolean): string[] =>
  choicesOf(scopes, mayShare).optional.map(({ id }) => id);
const grant = (scopes: readonly string[], ticked: readonly string[]): readonly string[] =>
  grantedScopes(scopes, choicesOf(scopes, everything), new Set(ticked));

describe('PA-23 what the page asks about', () => {
  test('a wildcard is every kind of information, decided about one by one; the person comes with it', () => {
    const choices = choicesOf(['openid', 'patient/*.read'], everything);
    expect(choices.required.map(({ id }) => id)).toEqual(['person']);
    expect(choices.optional).toHaveLength(21);
    expect(new Set([...choices.required, ...choices.optional].flatMap(({ types }) => types))).toEqual(
      new Set(SHAREABLE_TYPES),
    );
  });

  test('only what was asked, and only what the segment gives', () => {
    expect(idsOf(['patient/Coverage.rs', 'patient/ExplanationOfBenefit.rs'])).toEqual(['claims', 'coverage']);
    expect(idsOf(['user/*.read'], clinical)).not.toContain('claims');
    expect(idsOf(['openid', 'fhirUser', 'offline_access'])).toEqual([]);
  });

  test('PA-24 conditions and observations that are asked for by name are decided about by category', () => {
    expect(idsOf(['patient/Condition.rs'])).toEqual(['problems', 'concerns', 'diagnoses']);
    expect(idsOf(['patient/Observation.read'])).toEqual([
      'laboratory',
      'vitalSigns',
      'socialHistory',
      'surveys',
      'circumstances',
      'otherFindings',
    ]);
    expect(idsOf([`patient/Observation.rs?${CATEGORY}/observation-category|laboratory`])).toEqual(['laboratory']);
  });
});

describe('AUTH-14 what is granted', () => {
  test('everything ticked: as it was asked, letter by letter', () => {
    const scopes = ['openid', 'fhirUser', 'launch/patient', 'offline_access', 'patient/*.read', 'user/Coverage.rs'];
    expect(grant(scopes, idsOf(scopes))).toEqual(scopes);
  });

  test('a wildcard with something left out becomes the types that were ticked, in the style it was asked in', () => {
    expect(grant(['openid', 'patient/*.read'], ['coverage', 'providers'])).toEqual([
      'openid',
      'patient/Patient.read',
      'patient/Coverage.read',
      'patient/Practitioner.read',
      'patient/PractitionerRole.read',
      'patient/Organization.read',
      'patient/Location.read',
    ]);
    expect(grant(['patient/*.rs'], ['results'])).toEqual(['patient/Patient.rs', 'patient/Observation.rs']);
  });

  test('a type with a category left out becomes its categories', () => {
    expect(grant(['patient/Condition.rs'], ['problems'])).toEqual([
      `patient/Condition.rs?${CATEGORY}/condition-category|problem-list-item`,
    ]);
    expect(grant(['patient/Condition.read'], ['diagnoses'])).toEqual([
      `patient/Condition.rs?${CATEGORY}/condition-category|encounter-diagnosis`,
    ]);
  });

  test('granular scopes stay or go one by one', () => {
    const lab = `patient/Observation.rs?${CATEGORY}/observation-category|laboratory`;
    const vitals = `patient/Observation.rs?${CATEGORY}/observation-category|vital-signs`;
    expect(grant([lab, vitals], ['vitalSigns'])).toEqual([vitals]);
    expect(grant([lab, vitals], [])).toEqual([]);
  });

  test('PA-62 a segment without claims never grants them, whatever is ticked', () => {
    const scopes = ['user/*.read', 'patient/ExplanationOfBenefit.read'];
    const choices = choicesOf(scopes, clinical);
    const ticked = new Set(['claims', 'coverage', ...choices.optional.map(({ id }) => id)]);
    expect(grantedScopes(scopes, choices, ticked)).toEqual(['user/*.read']);
  });

  test('never more than was asked, whatever is ticked', () => {
    const type = fc.constantFrom('*', 'Patient', 'Condition', 'Observation', 'Coverage', 'Practitioner', 'Goal');
    const token = fc
      .tuple(fc.constantFrom('patient', 'user'), type, fc.constantFrom('read', 'rs', 'r', 's'))
      .map(([context, name, permissions]) => `${context}/${name}.${permissions}`);
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 5 }), fc.func(fc.boolean()), (scopes, isTicked) => {
        const ticked = idsOf(scopes).filter((id) => isTicked(id));
        for (const granted of grant(scopes, ticked)) {
          const scope = parseScope(granted);
          if (scope?.kind !== 'fhir') throw new Error(granted);
          const letters = scope.permissions.replace('read', 'rs');
          const isCovered = scopes.some((asked) => {
            const wide = parseScope(asked);
            if (wide?.kind !== 'fhir' || wide.context !== scope.context) return false;
            const permissions = wide.permissions.replace('read', 'rs');
            return (
              (wide.type === '*' || wide.type === scope.type) &&
              [...letters].every((letter) => permissions.includes(letter))
            );
          });
          expect(isCovered, `${granted} of ${scopes.join(' ')}`).toBe(true);
        }
      }),
    );
  });
});
