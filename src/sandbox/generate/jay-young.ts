import assert from 'node:assert';
import { type Day, dayOf, yearOf } from './calendar.ts';
import { CHECK_UP, type Illness, requireIllness } from './catalogue/conditions.ts';
import { requireDrug } from './catalogue/drugs.ts';
import { PANELS, type PanelKey } from './catalogue/labs.ts';
import { drawSharing, splitAmounts } from './claims/amounts.ts';
import { inpatientClaim } from './claims/inpatient.ts';
import { oralClaim } from './claims/oral.ts';
import { outpatientClaim } from './claims/outpatient.ts';
import { pharmacyClaim } from './claims/pharmacy.ts';
import { professionalClaim } from './claims/professional.ts';
import { billedDiagnosis } from './conditions.ts';
import { idCounter, type MemberContext, pickClinician, pickFacility } from './context.ts';
import { coverage, PRODUCTS } from './coverage.ts';
import { encounter, type VisitKind } from './encounters.ts';
import { concept, type Reference, type Resource, reference } from './fhir.ts';
import { labResults, smokingStatus, type VitalSign, vitalSign } from './observations.ts';
import { clinicianParties, facilityParties } from './parties.ts';
import { containedPayer } from './payers.ts';
import { type Person, patient } from './person.ts';
import type { Plan } from './plan.ts';
import { Rng } from './rng.ts';
import { CPT, HCPCS, ICD10CM } from './systems.ts';

/** Patient 1, Coverage 1, Encounter 5, Observation 14, Specimen 4, ExplanationOfBenefit 6 (payer-to-payer.md 2). */
const RESOURCE_COUNT = 31;

/**
 * The member of the quick start, exactly: no reference leaves the six types, payer and providers are contained,
 * every date lies within the four years before `asOf`, and the claims and the coverage carry amounts.
 */
export function jayYoung(seed: string, plan: Plan, person: Person, asOf: Day): readonly Resource[] {
  const rng = new Rng(`${seed}/${person.id}`);
  const since = dayOf(yearOf(asOf) - 3, 1, 1);
  const nextId = idCounter(person.id);
  const { idBase } = plan.facts;
  const member = patient(person, idBase, since, asOf);
  const self = reference(member);
  const product = PRODUCTS[0]!;
  const span = coverage(
    {
      id: nextId('cov'),
      start: since,
      product,
      payor: { reference: '#payer' },
      contained: [containedPayer(plan.facts)],
    },
    person,
    self,
    self,
    idBase,
    asOf,
  );
  const context: MemberContext = {
    rng,
    plan,
    person,
    patient: self,
    product,
    coverages: [span],
    asOf,
    nextId,
    parties: 'contained',
    home: { clinician: rng.pick(plan.clinicians.primary), facility: rng.pick(plan.facilities.clinic) },
  };
  const resources = [
    member,
    span.resource,
    ...checkUp(context, asOf - 900),
    ...bronchitis(context, asOf - 620),
    ...emergency(context, asOf - 400),
    ...stay(context, asOf - 250),
    ...followUp(context, asOf - 95),
    dentist(context, asOf - 300),
  ];
  assert.equal(resources.length, RESOURCE_COUNT);
  return resources;
}

interface Visit {
  readonly resource: Resource;
  readonly at: Reference;
}

function visit(context: MemberContext, kind: VisitKind, illness: Illness, start: Day, end: Day = start): Visit {
  const resource = encounter(context, { kind, start, end, illness, ...context.home });
  return { resource, at: reference(resource) };
}

/** A specimen and two results. */
function lab(context: MemberContext, panel: PanelKey, at: Reference, day: Day): Resource[] {
  const { specimen, results } = labResults(context, PANELS[panel], at, day, undefined, 2);
  return [specimen, ...results];
}

const vitals = (context: MemberContext, kinds: readonly VitalSign[], at: Reference, day: Day): Resource[] =>
  kinds.map((kind) => vitalSign(context, kind, at, day));

/** Encounter 1, Observation 6, Specimen 1, ExplanationOfBenefit 1. */
function checkUp(context: MemberContext, day: Day): Resource[] {
  const { resource, at } = visit(context, 'checkup', CHECK_UP, day);
  return [
    resource,
    ...vitals(context, ['blood-pressure', 'body-weight', 'body-height'], at, day),
    smokingStatus(context, at, day),
    ...lab(context, 'lipid', at, day),
    bill(context, at, CHECK_UP, day, [
      [concept(HCPCS, 'G0439', 'Yearly check-up'), 18500],
      [concept(CPT, '80061'), 6400],
    ]),
  ];
}

/** Encounter 1, Observation 3, Specimen 1, ExplanationOfBenefit 2. */
function bronchitis(context: MemberContext, day: Day): Resource[] {
  const illness = requireIllness('bronchitis');
  const { resource, at } = visit(context, 'office', illness, day);
  const pharmacy = facilityParties(context, pickFacility(context, 'pharmacy'));
  return [
    resource,
    ...vitals(context, ['body-temperature'], at, day),
    ...lab(context, 'bloodCount', at, day),
    bill(context, at, illness, day, [
      [concept(CPT, '99213'), 14500],
      [concept(CPT, '85025'), 3100],
    ]),
    pharmacyClaim(context, {
      start: day,
      end: day,
      parties: pharmacy,
      diagnoses: [],
      drug: requireDrug('prednisone'),
      refill: 0,
    }),
  ];
}

/** Encounter 1, Observation 3, Specimen 1, ExplanationOfBenefit 1. */
function emergency(context: MemberContext, day: Day): Resource[] {
  const illness = requireIllness('ankleSprain');
  const { resource, at } = visit(context, 'emergency', illness, day);
  const parties = facilityParties(context, pickFacility(context, 'hospital'));
  return [
    resource,
    ...vitals(context, ['pulse-oximetry'], at, day),
    ...lab(context, 'metabolic', at, day),
    outpatientClaim(context, {
      start: day,
      end: day,
      parties,
      encounter: at,
      diagnoses: [billedDiagnosis(illness)],
      isEmergency: true,
      amountsAt: 'item',
    }),
  ];
}

/** Encounter 1, ExplanationOfBenefit 1. */
function stay(context: MemberContext, start: Day): Resource[] {
  const illness = requireIllness('bronchitis');
  const end = start + 2;
  const { resource, at } = visit(context, 'inpatient', illness, start, end);
  const parties = facilityParties(context, pickFacility(context, 'hospital'));
  return [
    resource,
    inpatientClaim(context, {
      start,
      end,
      parties,
      encounter: at,
      diagnoses: [billedDiagnosis(illness)],
      drg: '203',
      procedures: [],
      amountsAt: 'item',
    }),
  ];
}

/** Encounter 1, Observation 2, Specimen 1. Its claim has not come in. */
function followUp(context: MemberContext, day: Day): Resource[] {
  const { resource, at } = visit(context, 'office', requireIllness('bronchitis'), day);
  return [resource, ...lab(context, 'bloodCount', at, day)];
}

/** ExplanationOfBenefit 1. */
function dentist(context: MemberContext, day: Day): Resource {
  const parties = clinicianParties(context, pickClinician(context, 'dentistry'), pickFacility(context, 'dental'));
  return oralClaim(context, {
    start: day,
    end: day,
    parties,
    diagnoses: [concept(ICD10CM, 'Z01.20', 'Check of the teeth')],
    visit: 'check',
  });
}

function bill(
  context: MemberContext,
  at: Reference,
  illness: Illness,
  day: Day,
  services: readonly (readonly [ReturnType<typeof concept>, number])[],
): Resource {
  const { clinician, facility } = context.home;
  return professionalClaim(context, {
    start: day,
    end: day,
    parties: clinicianParties(context, clinician, facility),
    encounter: at,
    diagnoses: [billedDiagnosis(illness)],
    placeOfService: '11',
    lines: services.map(([service, cents]) => ({
      service,
      units: 1,
      amounts: splitAmounts(cents, drawSharing(context.rng, 1500)),
    })),
  });
}
