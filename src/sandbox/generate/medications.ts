import { type Day, isoTime } from './calendar.ts';
import type { Drug } from './catalogue/drugs.ts';
import type { MemberContext } from './context.ts';
import { concept, meta, quantity, type Reference, type Resource, reference } from './fhir.ts';
import { pdex, RXNORM, TERMINOLOGY, usCore } from './systems.ts';

const REQUEST = [usCore('medicationrequest')];
const DISPENSE = [usCore('medicationdispense')];

export interface PrescriptionFacts {
  readonly drug: Drug;
  readonly day: Day;
  readonly visit: Reference;
  readonly requester: Reference;
  readonly reason: Reference | undefined;
  readonly isOngoing: boolean;
  /** Named by a Medication resource instead of a code. */
  readonly byReference: boolean;
}

function medicationOf(context: MemberContext, drug: Drug, byReference: boolean) {
  return byReference
    ? { medicationReference: reference(context.plan.medications[drug.key]!) }
    : { medicationCodeableConcept: concept(RXNORM, drug.rxnorm, drug.text) };
}

function dosage(drug: Drug) {
  return [
    {
      text: drug.directions,
      timing: { repeat: { frequency: drug.timesPerDay, period: 1, periodUnit: 'd' } },
      route: concept('http://snomed.info/sct', '26643006', 'By mouth'),
      doseAndRate: [{ doseQuantity: quantity(drug.dose, drug.doseUnit) }],
    },
  ];
}

export function medicationRequest(context: MemberContext, facts: PrescriptionFacts): Resource {
  const { drug } = facts;
  return {
    resourceType: 'MedicationRequest',
    id: context.nextId('rx'),
    meta: meta(REQUEST, facts.day, context.asOf),
    status: facts.isOngoing ? 'active' : 'completed',
    intent: 'order',
    category: [concept(`${TERMINOLOGY}/medicationrequest-category`, 'community')],
    reportedBoolean: false,
    ...medicationOf(context, drug, facts.byReference),
    subject: context.patient,
    encounter: facts.visit,
    authoredOn: isoTime(facts.day, 565),
    requester: facts.requester,
    ...(facts.reason ? { reasonReference: [facts.reason] } : {}),
    dosageInstruction: dosage(drug),
    dispenseRequest: {
      numberOfRepeatsAllowed: drug.refills,
      quantity: quantity(drug.amount, drug.amountUnit),
      expectedSupplyDuration: quantity(drug.daysSupply, 'd', 'day'),
    },
  };
}

/** One fill. The PDex extension counts the refills, the first fill being 0. */
export function medicationDispense(
  context: MemberContext,
  facts: PrescriptionFacts,
  request: Resource,
  fill: number,
  day: Day,
  pharmacy: Reference,
): Resource {
  const { drug } = facts;
  return {
    resourceType: 'MedicationDispense',
    id: context.nextId('fill'),
    meta: meta(DISPENSE, day, context.asOf),
    extension: [{ url: pdex('DispenseRefill'), valueQuantity: { value: fill } }],
    status: 'completed',
    ...medicationOf(context, drug, facts.byReference),
    subject: context.patient,
    performer: [{ actor: pharmacy }],
    authorizingPrescription: [reference(request)],
    type: concept(`${TERMINOLOGY}/v3-ActCode`, fill === 0 ? 'FF' : 'RF'),
    quantity: quantity(drug.amount, drug.amountUnit),
    daysSupply: quantity(drug.daysSupply, 'd', 'day'),
    whenHandedOver: isoTime(day, 990),
    dosageInstruction: dosage(drug),
  };
}
