import {
  type FieldProblem,
  hasCode,
  invalidField,
  type Json,
  missingField,
  objectIn,
  objectsIn,
} from '#/fhir/loose-json.ts';
import { HREX_IDENTIFIER_TYPES } from '#/members/umb.ts';

const V2_IDENTIFIER_TYPES = 'http://terminology.hl7.org/CodeSystem/v2-0203';
const SUBSCRIBER_RELATIONSHIP = 'http://terminology.hl7.org/CodeSystem/subscriber-relationship';
const DATA_ABSENT_REASON = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';
const BIRTH_SEX = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex';
const RELATIONSHIPS = ['child', 'parent', 'spouse', 'common', 'other', 'self', 'injured'];

/**
 * Where a Patient is below hrex-patient-demographics, beyond what base FHIR R4 demands.
 *
 * Source: HRex 1.2.0, StructureDefinition hrex-patient-demographics.
 */
export function patientProfileProblems(patient: Json): readonly FieldProblem[] {
  const umbs = objectsIn(patient.identifier).filter((identifier) =>
    hasCode(identifier.type, 'UMB', HREX_IDENTIFIER_TYPES),
  );
  const names = objectsIn(patient.name).flatMap((name, i) => [
    ...(name.family === undefined ? [missingField(`Patient.name[${i}].family`)] : []),
    ...(!Array.isArray(name.given) || name.given.length === 0 ? [missingField(`Patient.name[${i}].given`)] : []),
  ]);
  const hasSex = patient.gender !== undefined || objectsIn(patient.extension).some((one) => one.url === BIRTH_SEX);
  return [
    ...names,
    ...(umbs.length > 1
      ? [invalidField('Patient.identifier', 'Patient.identifier may have the type UMB once only.')]
      : []),
    ...(hasSex
      ? []
      : [invalidField('Patient', 'Patient needs a gender or the extension us-core-birthsex (hrex-pat-1).')]),
  ];
}

/**
 * Where a Coverage is below hrex-coverage, beyond what base FHIR R4 demands.
 *
 * Source: HRex 1.2.0, StructureDefinition hrex-coverage and the value set hrex-coverage-relationship.
 */
export function coverageProfileProblems(coverage: Json): readonly FieldProblem[] {
  const memberIds = objectsIn(coverage.identifier).filter((identifier) =>
    hasCode(identifier.type, 'MB', V2_IDENTIFIER_TYPES),
  );
  return [
    ...(memberIds.length === 0 && coverage.subscriberId === undefined
      ? [invalidField('Coverage', 'Coverage needs an identifier of type MB or a subscriberId (us-core-15).')]
      : []),
    ...(memberIds.length > 1
      ? [invalidField('Coverage.identifier', 'Coverage.identifier may have the type MB once only.')]
      : []),
    ...(memberIds.some((identifier) => identifier.value === undefined)
      ? [missingField('Coverage.identifier.value')]
      : []),
    ...relationshipProblems(coverage.relationship),
    ...(objectsIn(coverage.payor).length === 1
      ? []
      : [invalidField('Coverage.payor', 'Coverage.payor must name exactly one organization.')]),
    ...(['group', 'plan'] as const).flatMap((code) => classProblems(coverage, code)),
  ];
}

function relationshipProblems(relationship: unknown): readonly FieldProblem[] {
  if (relationship === undefined) return [missingField('Coverage.relationship')];
  const known = objectsIn(objectIn(relationship).coding).some(
    ({ system, code }) =>
      (system === SUBSCRIBER_RELATIONSHIP && RELATIONSHIPS.includes(String(code))) ||
      (system === DATA_ABSENT_REASON && code === 'unknown'),
  );
  return known
    ? []
    : [
        invalidField(
          'Coverage.relationship',
          'Coverage.relationship must be a code of subscriber-relationship, or unknown of data-absent-reason.',
        ),
      ];
}

function classProblems(coverage: Json, code: 'group' | 'plan'): readonly FieldProblem[] {
  const count = objectsIn(coverage.class).filter((one) =>
    hasCode(one.type, code, 'http://terminology.hl7.org/CodeSystem/coverage-class'),
  ).length;
  return count > 1 ? [invalidField('Coverage.class', `Coverage.class may have the type ${code} once only.`)] : [];
}
