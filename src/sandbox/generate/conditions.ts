import { type Day, isoDay, isoTime } from './calendar.ts';
import type { Illness } from './catalogue/conditions.ts';
import type { MemberContext } from './context.ts';
import { type CodeableConcept, concept, meta, type Reference, type Resource } from './fhir.ts';
import { ICD10CM, SNOMED, TERMINOLOGY, usCore } from './systems.ts';

const PROBLEM = [usCore('condition-problems-health-concerns')];
const DIAGNOSIS = [usCore('condition-encounter-diagnosis')];

/** Both code systems, so that clinical and billing readers understand it. */
export const illnessCode = (illness: Illness): CodeableConcept => ({
  coding: [
    { system: SNOMED, code: illness.snomed },
    { system: ICD10CM, code: illness.icd10 },
  ],
  text: illness.text,
});

/** The diagnosis of a claim: ICD-10-CM alone. */
export const billedDiagnosis = (illness: Illness): CodeableConcept => concept(ICD10CM, illness.icd10, illness.text);

const status = (system: string, code: string) => concept(`${TERMINOLOGY}/${system}`, code);

/** A lasting illness on the problem list, over since `resolved` if that is given. */
export function problem(context: MemberContext, illness: Illness, onset: Day, resolved?: Day): Resource {
  return {
    resourceType: 'Condition',
    id: context.nextId('cond'),
    meta: meta(PROBLEM, (resolved ?? onset) + 1, context.asOf),
    extension: [
      { url: 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate', valueDateTime: isoDay(onset) },
    ],
    clinicalStatus: status('condition-clinical', resolved === undefined ? 'active' : 'resolved'),
    verificationStatus: status('condition-ver-status', 'confirmed'),
    category: [status('condition-category', 'problem-list-item')],
    code: illnessCode(illness),
    subject: context.patient,
    onsetDateTime: isoDay(onset),
    ...(resolved === undefined ? {} : { abatementDateTime: isoDay(resolved) }),
    recordedDate: isoDay(onset),
  };
}

/** A passing illness, found at one visit and over some days later. */
export function visitDiagnosis(context: MemberContext, illness: Illness, visit: Reference, day: Day): Resource {
  return {
    resourceType: 'Condition',
    id: context.nextId('cond'),
    meta: meta(DIAGNOSIS, day + 1, context.asOf),
    clinicalStatus: status('condition-clinical', 'resolved'),
    verificationStatus: status('condition-ver-status', 'confirmed'),
    category: [status('condition-category', 'encounter-diagnosis')],
    code: illnessCode(illness),
    subject: context.patient,
    encounter: visit,
    onsetDateTime: isoDay(day),
    abatementDateTime: isoDay(day + 12),
    recordedDate: isoTime(day, 560),
  };
}
