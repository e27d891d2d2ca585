import type { Day } from './calendar.ts';
import type { Illness } from './catalogue/conditions.ts';
import { type Drug, requireDrug } from './catalogue/drugs.ts';
import { PANELS, type PanelKey } from './catalogue/labs.ts';
import { drawSharing, notCovered, splitAmounts } from './claims/amounts.ts';
import { inpatientClaim } from './claims/inpatient.ts';
import { outpatientClaim } from './claims/outpatient.ts';
import { pharmacyClaim } from './claims/pharmacy.ts';
import { professionalClaim, type ServiceLine } from './claims/professional.ts';
import { billedDiagnosis, visitDiagnosis } from './conditions.ts';
import { type MemberContext, pickClinician, pickFacility } from './context.ts';
import { note } from './documents.ts';
import { encounter, type VisitFacts } from './encounters.ts';
import { concept, type Reference, type Resource, reference } from './fhir.ts';
import { medicationDispense, medicationRequest } from './medications.ts';
import { labReport, labResults, type VitalSign, vitalSign } from './observations.ts';
import { clinicianParties, facilityParties } from './parties.ts';
import { CPT, HCPCS } from './systems.ts';
import { procedure } from './treatments.ts';

/**
 * A visit to the family doctor: encounter, diagnosis, vital signs, laboratory, bill.
 *
 * @param lasting the problem that is followed up; missing: the visit finds an illness of its own
 */
export function officeVisit(
  context: MemberContext,
  illness: Illness,
  day: Day,
  vitals: readonly VitalSign[],
  lasting?: Reference,
): Resource[] {
  const { clinician, facility } = context.home;
  const isCheckUp = illness.key === 'checkUp';
  const facts: VisitFacts = {
    kind: isCheckUp ? 'checkup' : 'office',
    start: day,
    end: day,
    clinician,
    facility,
    illness,
    reason: lasting,
  };
  const visit = encounter(context, facts);
  const at = reference(visit);
  const panels = illness.panels.slice(0, 1);
  const line = (service: ServiceLine['service'], cents: number, copay: number): ServiceLine => ({
    service,
    units: 1,
    amounts: splitAmounts(cents, drawSharing(context.rng, copay)),
  });
  const lines: ServiceLine[] = [
    isCheckUp
      ? line(concept(HCPCS, 'G0439', 'Yearly check-up'), 18500, 0)
      : line(
          concept(CPT, context.rng.pick(['99213', '99214'])),
          context.rng.int(11000, 24000),
          context.product.visitCopayCents,
        ),
    ...panels.map((key) => line(concept(CPT, PANELS[key].billing), PANELS[key].priceCents, 0)),
  ];
  return [
    visit,
    ...(isCheckUp || lasting ? [] : [visitDiagnosis(context, illness, at, day)]),
    ...vitals.map((kind) => vitalSign(context, kind, at, day)),
    ...panels.flatMap((key) => laboratory(context, key, at, day)),
    professionalClaim(context, {
      start: day,
      end: day,
      parties: clinicianParties(context, clinician, facility),
      encounter: at,
      diagnoses: [billedDiagnosis(illness)],
      placeOfService: '11',
      lines,
    }),
  ];
}

function laboratory(context: MemberContext, key: PanelKey, visit: Reference, day: Day): Resource[] {
  const performer = reference(context.home.facility.organization);
  const labs = labResults(context, PANELS[key], visit, day, performer, 2);
  return [labs.specimen, ...labs.results, labReport(context, PANELS[key], labs, visit, day, performer)];
}

/** An emergency room: the hospital's bill and the doctor's own. */
export function emergencyVisit(context: MemberContext, illness: Illness, day: Day, isDenied: boolean): Resource[] {
  const facility = pickFacility(context, 'hospital');
  const clinician = pickClinician(context, 'emergency');
  const visit = encounter(context, { kind: 'emergency', start: day, end: day, clinician, facility, illness });
  const at = reference(visit);
  const bill = { start: day, end: day, encounter: at, diagnoses: [billedDiagnosis(illness)] };
  const amounts = isDenied ? notCovered(41000) : splitAmounts(41000, drawSharing(context.rng, 10000));
  return [
    visit,
    visitDiagnosis(context, illness, at, day),
    vitalSign(context, 'body-temperature', at, day),
    vitalSign(context, 'pulse-oximetry', at, day),
    outpatientClaim(context, {
      ...bill,
      parties: facilityParties(context, facility, clinician),
      isEmergency: true,
      amountsAt: context.rng.chance(0.2) ? 'header' : 'item',
      network: 'outofnetwork',
    }),
    professionalClaim(context, {
      ...bill,
      parties: clinicianParties(context, clinician, facility),
      status: isDenied ? 'denied' : 'paid',
      placeOfService: '23',
      lines: [{ service: concept(CPT, '99284'), units: 1, amounts }],
    }),
  ];
}

/** Some nights in a hospital. */
export function hospitalStay(context: MemberContext, illness: Illness, start: Day, nights: number): Resource[] {
  const facility = pickFacility(context, 'hospital');
  const clinician = pickClinician(context, 'surgery');
  const end = start + nights;
  const visit = encounter(context, { kind: 'inpatient', start, end, clinician, facility, illness });
  const at = reference(visit);
  const isKnee = illness.key === 'kneeArthrosis';
  const author = reference(clinician.practitioner);
  return [
    visit,
    visitDiagnosis(context, illness, at, start),
    ...(isKnee ? [procedure(context, 'kneeReplacement', at, start + 1, author)] : []),
    note(context, 'discharge', end, author, at),
    inpatientClaim(context, {
      start,
      end,
      parties: facilityParties(context, facility, clinician),
      encounter: at,
      diagnoses: [
        billedDiagnosis(illness),
        concept('http://hl7.org/fhir/sid/icd-10-cm', 'Z79.899', 'Long use of medicines'),
      ],
      drg: isKnee ? '470' : '194',
      procedures: isKnee ? ['0SRD0J9'] : [],
      amountsAt: context.rng.chance(0.25) ? 'header' : 'item',
    }),
  ];
}

export interface TreatmentFacts {
  readonly drug: Drug;
  readonly day: Day;
  readonly visit: Reference;
  readonly reason: Reference | undefined;
  readonly isOngoing: boolean;
  readonly fills: number;
}

/** A prescription with its fills at a pharmacy, each with its bill. Fills never come later than `until`. */
export function drugTreatment(context: MemberContext, facts: TreatmentFacts, until: Day): Resource[] {
  const requester = reference(context.home.clinician.practitioner);
  const prescription = { ...facts, requester, byReference: context.rng.chance(0.2) };
  const request = medicationRequest(context, prescription);
  const pharmacy = pickFacility(context, 'pharmacy');
  const resources: Resource[] = [request];
  for (let fill = 0; fill < Math.min(facts.fills, facts.drug.refills + 1); fill++) {
    const day = Math.min(facts.day + fill * facts.drug.daysSupply + (fill === 0 ? 0 : context.rng.int(0, 5)), until);
    resources.push(
      medicationDispense(context, prescription, request, fill, day, reference(pharmacy.organization)),
      pharmacyClaim(context, {
        start: day,
        end: day,
        parties: facilityParties(context, pharmacy),
        diagnoses: [],
        drug: facts.drug,
        refill: fill,
        status: context.rng.chance(0.05) ? 'denied' : 'paid',
      }),
    );
  }
  return resources;
}

export const firstDrug = (context: MemberContext, illness: Illness): Drug | undefined =>
  illness.drugs.length === 0 ? undefined : requireDrug(context.rng.pick(illness.drugs));
