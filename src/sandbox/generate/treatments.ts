import { ageOn, type Day, isoDay, isoTime } from './calendar.ts';
import { ALLERGENS, REACTIONS, VACCINES } from './catalogue/vaccines.ts';
import type { MemberContext } from './context.ts';
import { concept, meta, type Reference, type Resource } from './fhir.ts';
import { CVX, SNOMED, TERMINOLOGY, usCore } from './systems.ts';

const ALLERGY = [usCore('allergyintolerance')];
const IMMUNIZATION = [usCore('immunization')];
const PROCEDURE = [usCore('procedure')];
const SERVICE_REQUEST = [usCore('servicerequest')];
const DEVICE = [usCore('implantable-device')];

export function allergy(context: MemberContext, day: Day): Resource {
  const allergen = context.rng.pick(ALLERGENS);
  const manifestation = context.rng.pick(REACTIONS);
  return {
    resourceType: 'AllergyIntolerance',
    id: context.nextId('allergy'),
    meta: meta(ALLERGY, day, context.asOf),
    clinicalStatus: concept(`${TERMINOLOGY}/allergyintolerance-clinical`, 'active'),
    verificationStatus: concept(`${TERMINOLOGY}/allergyintolerance-verification`, 'confirmed'),
    type: 'allergy',
    category: [allergen.category],
    criticality: 'low',
    code: concept(SNOMED, allergen.code, allergen.text),
    patient: context.patient,
    recordedDate: isoDay(day),
    reaction: [{ manifestation: [concept(SNOMED, manifestation.code, manifestation.text)], severity: 'mild' }],
  };
}

/** A vaccine that fits the member's age on the day; undefined when none of the catalogue does. */
export function immunization(context: MemberContext, day: Day, performer?: Reference): Resource | undefined {
  const age = ageOn(context.person.birth, day);
  const fitting = VACCINES.filter(({ minAge, maxAge }) => age >= minAge && age <= maxAge);
  if (fitting.length === 0) return undefined;
  const vaccine = context.rng.pick(fitting);
  const wasDeclined = context.rng.chance(0.04);
  return {
    resourceType: 'Immunization',
    id: context.nextId('imm'),
    meta: meta(IMMUNIZATION, day, context.asOf),
    status: wasDeclined ? 'not-done' : 'completed',
    ...(wasDeclined
      ? { statusReason: concept(`${TERMINOLOGY}/v3-ActReason`, 'PATOBJ', 'Declined by the patient') }
      : {}),
    vaccineCode: concept(CVX, vaccine.cvx, vaccine.text),
    patient: context.patient,
    occurrenceDateTime: isoTime(day, 560),
    primarySource: true,
    ...(performer ? { performer: [{ actor: performer }] } : {}),
  };
}

/** SNOMED CT codes of what was done, in our words. */
export const PROCEDURES = {
  spirometry: ['127783003', 'Lung function test'],
  colonoscopy: ['73761001', 'Look into the bowel'],
  chestXray: ['399208008', 'X-ray of the chest'],
  wound: ['288086009', 'Stitching of a wound'],
  medicationReview: ['430193006', 'Review of the medicines'],
  kneeReplacement: ['609588000', 'New knee joint'],
} as const;

export function procedure(
  context: MemberContext,
  kind: keyof typeof PROCEDURES,
  visit: Reference,
  day: Day,
  performer?: Reference,
): Resource {
  const [code, text] = PROCEDURES[kind];
  return {
    resourceType: 'Procedure',
    id: context.nextId('proc'),
    meta: meta(PROCEDURE, day, context.asOf),
    status: 'completed',
    code: concept(SNOMED, code, text),
    subject: context.patient,
    encounter: visit,
    performedDateTime: isoTime(day, 555),
    ...(performer ? { performer: [{ actor: performer }] } : {}),
  };
}

export function serviceRequest(
  context: MemberContext,
  kind: keyof typeof PROCEDURES,
  visit: Reference,
  day: Day,
  requester: Reference,
): Resource {
  const [code, text] = PROCEDURES[kind];
  return {
    resourceType: 'ServiceRequest',
    id: context.nextId('req'),
    meta: meta(SERVICE_REQUEST, day, context.asOf),
    status: 'completed',
    intent: 'order',
    category: [concept(SNOMED, '103693007', 'Diagnostic procedure')],
    code: concept(SNOMED, code, text),
    subject: context.patient,
    encounter: visit,
    occurrenceDateTime: isoTime(day, 555),
    authoredOn: isoTime(day, 550),
    requester,
  };
}

/** A new knee. The identifiers are invented; `carrierHRF` repeats them the way a printed label does (GS1). */
export function implantedDevice(context: MemberContext, day: Day): Resource {
  const deviceIdentifier = `0${context.rng.digits(13)}`;
  const serial = context.rng.digits(8);
  const lot = `L${context.rng.digits(5)}`;
  return {
    resourceType: 'Device',
    id: context.nextId('dev'),
    meta: meta(DEVICE, day, context.asOf),
    udiCarrier: [
      {
        deviceIdentifier,
        issuer: 'http://hl7.org/fhir/NamingSystem/gs1-di',
        carrierHRF: `(01)${deviceIdentifier}(10)${lot}(21)${serial}`,
      },
    ],
    status: 'active',
    distinctIdentifier: `D-${serial}`,
    manufactureDate: isoDay(day - 400),
    expirationDate: isoDay(day + 3200),
    lotNumber: lot,
    serialNumber: serial,
    type: concept(SNOMED, '303533002', 'Artificial knee joint'),
    patient: context.patient,
  };
}
