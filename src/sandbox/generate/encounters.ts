import { type Day, isoTime } from './calendar.ts';
import type { Illness } from './catalogue/conditions.ts';
import type { MemberContext } from './context.ts';
import { type CodeableConcept, concept, meta, type Reference, type Resource, reference } from './fhir.ts';
import type { Clinician, Facility } from './plan.ts';
import { SNOMED, TERMINOLOGY, usCore } from './systems.ts';

export type VisitKind = 'office' | 'checkup' | 'emergency' | 'inpatient' | 'dental' | 'optical';

export interface VisitFacts {
  readonly kind: VisitKind;
  readonly start: Day;
  readonly end: Day;
  readonly clinician: Clinician;
  readonly facility: Facility;
  readonly illness: Illness;
  /** The Condition that is treated. */
  readonly reason?: Reference | undefined;
}

const PROFILE = [usCore('encounter')];

const CLASSES: Readonly<Record<VisitKind, readonly [actCode: string, type: CodeableConcept]>> = {
  office: ['AMB', concept(SNOMED, '185347001', 'Visit because of a problem')],
  checkup: ['AMB', concept(SNOMED, '185349003', 'Check-up')],
  emergency: ['EMER', concept(SNOMED, '50849002', 'Emergency room visit')],
  inpatient: ['IMP', concept(SNOMED, '183452005', 'Hospital stay')],
  dental: ['AMB', concept(SNOMED, '185349003', 'Visit to the dentist')],
  optical: ['AMB', concept(SNOMED, '185349003', 'Eye examination')],
};

/** US Core Encounter. Without participant and location where no reference may leave the member's own types. */
export function encounter(context: MemberContext, facts: VisitFacts): Resource {
  const id = context.nextId('enc');
  const [actCode, type] = CLASSES[facts.kind];
  const period = { start: isoTime(facts.start, 540), end: isoTime(facts.end, facts.end === facts.start ? 570 : 660) };
  const diagnosis = concept(SNOMED, facts.illness.snomed, facts.illness.text);
  return {
    resourceType: 'Encounter',
    id,
    meta: meta(PROFILE, facts.end, context.asOf),
    identifier: [{ system: `${context.plan.facts.idBase}/encounter`, value: `E-${id}` }],
    status: 'finished',
    class: { system: `${TERMINOLOGY}/v3-ActCode`, code: actCode },
    type: [type],
    subject: context.patient,
    ...(context.parties === 'standalone' ? participants(facts, period) : {}),
    period,
    reasonCode: [diagnosis],
    ...(facts.reason ? { reasonReference: [facts.reason] } : {}),
    ...(facts.kind === 'inpatient'
      ? { hospitalization: { dischargeDisposition: concept(`${TERMINOLOGY}/discharge-disposition`, 'home') } }
      : {}),
    ...(context.parties === 'standalone'
      ? {
          location: [{ location: reference(facts.facility.location) }],
          serviceProvider: reference(facts.facility.organization),
        }
      : {}),
  };
}

const participants = (facts: VisitFacts, period: object) => ({
  participant: [
    {
      type: [concept(`${TERMINOLOGY}/v3-ParticipationType`, 'PPRF')],
      period,
      individual: reference(facts.clinician.practitioner),
    },
  ],
});
