import { type Illness, requireIllness } from '../catalogue/conditions.ts';
import { requireDrug } from '../catalogue/drugs.ts';
import { billedDiagnosis } from '../conditions.ts';
import { type MemberContext, pickClinician, pickFacility } from '../context.ts';
import { concept, type Resource } from '../fhir.ts';
import { clinicianParties, facilityParties } from '../parties.ts';
import { CPT, HCPCS, ICD10CM } from '../systems.ts';
import { drawSharing, notCovered, splitAmounts } from './amounts.ts';
import { claimNumber, info } from './claim.ts';
import { inpatientClaim } from './inpatient.ts';
import { oralClaim } from './oral.ts';
import { outpatientClaim } from './outpatient.ts';
import { pharmacyClaim } from './pharmacy.ts';
import { professionalClaim } from './professional.ts';

/**
 * Every claim type in every variant that the public CARIN kit looks for in one member (PA-89): amounts on the
 * lines and in the header, a ride, spectacles, a mixture, a prescriber, a refusal, a replaced claim.
 */
export function everyClaim(context: MemberContext): Resource[] {
  const illness = requireIllness('kneeArthrosis');
  return [
    ...hospitalClaims(context, illness),
    ...clinicianClaims(context, illness),
    ...drugClaims(context),
    ...dentalClaims(context),
  ];
}

/** A claim that came before the record begins is known by its number only. */
const replaces = (context: MemberContext, what: string) => ({
  relationship: 'prior' as const,
  claimNumber: claimNumber(`${context.person.id}-old-${what}`),
});

const ago = (context: MemberContext, days: number) => context.asOf - days;

function hospitalClaims(context: MemberContext, illness: Illness): Resource[] {
  const parties = facilityParties(context, pickFacility(context, 'hospital'), pickClinician(context, 'surgery'));
  const diagnoses = [billedDiagnosis(illness), concept(ICD10CM, 'E66.9', 'Body mass index of 30 or more')];
  const stay = (days: number) => ({
    start: ago(context, days),
    end: ago(context, days - 3),
    parties,
    diagnoses,
    drg: '470',
    procedures: ['0SRD0J9', '8E0WXBZ'],
  });
  const visit = (days: number) => ({ start: ago(context, days), end: ago(context, days), parties, diagnoses });
  return [
    inpatientClaim(context, { ...stay(400), amountsAt: 'item' }),
    inpatientClaim(context, {
      ...stay(700),
      amountsAt: 'header',
      status: 'partiallypaid',
      related: replaces(context, 'stay'),
    }),
    outpatientClaim(context, { ...visit(380), isEmergency: true, amountsAt: 'item' }),
    outpatientClaim(context, {
      ...visit(520),
      isEmergency: false,
      amountsAt: 'header',
      related: replaces(context, 'visit'),
    }),
    outpatientClaim(context, {
      ...visit(90),
      isEmergency: false,
      amountsAt: 'item',
      status: 'denied',
      network: 'outofnetwork',
      paidTo: 'patient',
    }),
  ];
}

function clinicianClaims(context: MemberContext, illness: Illness): Resource[] {
  const day = ago(context, 250);
  const { clinician, facility } = context.home;
  const bill = {
    start: day,
    end: day,
    parties: clinicianParties(context, clinician, facility),
    diagnoses: [billedDiagnosis(illness), concept(ICD10CM, 'I10', 'High blood pressure')],
    placeOfService: '11',
    lines: [
      {
        service: concept(CPT, '99214'),
        modifier: concept(CPT, '25'),
        units: 1,
        amounts: splitAmounts(21000, drawSharing(context.rng, 2500)),
      },
    ],
  };
  const replaced = professionalClaim(context, {
    ...bill,
    cancelled: true,
    related: { relationship: 'replacedby', claimNumber: claimNumber(`${context.person.id}-eob-replacement`) },
  });
  const replacement = professionalClaim(context, {
    ...bill,
    related: { relationship: 'prior', claimNumber: claimNumber(replaced.id) },
  });
  return [replaced, replacement, ride(context), refusedVisit(context)];
}

/** An ambulance: each entry about the ride is linked from the line, as the guide demands. */
function ride(context: MemberContext): Resource {
  const day = ago(context, 400);
  const parties = facilityParties(context, pickFacility(context, 'ambulance'));
  const miles = {
    ...info('transportationdistance'),
    valueQuantity: { value: 12, unit: '[mi_i]', system: 'http://unitsofmeasure.org', code: '[mi_i]' },
  };
  const weight = {
    ...info('patientweight'),
    valueQuantity: { value: 168, unit: '[lb_av]', system: 'http://unitsofmeasure.org', code: '[lb_av]' },
  };
  const reason = { system: 'https://x12.org/codesystem.x12.org/ambulance-transport-reason-codes', code: 'A' };
  return professionalClaim(context, {
    start: day,
    end: day,
    parties,
    diagnoses: [concept(ICD10CM, 'S82.90XA', 'Broken lower leg')],
    placeOfService: '41',
    lines: [
      {
        service: concept(HCPCS, 'A0428', 'Ambulance ride'),
        modifier: concept(HCPCS, 'RH'),
        units: 1,
        amounts: splitAmounts(68000, drawSharing(context.rng, 0)),
      },
      {
        service: concept(HCPCS, 'A0425', 'Miles of the ride'),
        units: 12,
        amounts: splitAmounts(14400, drawSharing(context.rng, 0)),
      },
    ],
    transport: [
      weight,
      { ...info('ambulancetransportreason'), reason },
      miles,
      { ...info('roudtrippurpose'), valueString: 'No round trip' },
      { ...info('stretcherpurpose'), valueString: 'Could not sit' },
      { ...info('pickuplocation'), valueString: 'Home' },
      { ...info('dropofflocation'), valueString: 'Hospital' },
    ],
  });
}

function refusedVisit(context: MemberContext): Resource {
  const day = ago(context, 160);
  const { clinician, facility } = context.home;
  return professionalClaim(context, {
    start: day,
    end: day,
    parties: clinicianParties(context, clinician, facility),
    diagnoses: [concept(ICD10CM, 'L25.9', 'Skin rash from contact')],
    placeOfService: '11',
    status: 'denied',
    network: 'outofnetwork',
    paidTo: 'patient',
    lines: [{ service: concept(CPT, '99213'), units: 1, amounts: notCovered(14000) }],
  });
}

function drugClaims(context: MemberContext): Resource[] {
  const parties = facilityParties(context, pickFacility(context, 'pharmacy'));
  const prescriber = { reference: `Practitioner/${context.home.clinician.practitioner.id}` };
  const fill = (days: number, key: string, refill: number) => ({
    start: ago(context, days),
    end: ago(context, days),
    parties,
    diagnoses: [],
    drug: requireDrug(key),
    refill,
  });
  return [
    pharmacyClaim(context, fill(300, 'lisinopril', 0)),
    pharmacyClaim(context, { ...fill(210, 'lisinopril', 1), related: replaces(context, 'fill') }),
    pharmacyClaim(context, { ...fill(205, 'ibuprofen', 0), isCompound: true }),
    pharmacyClaim(context, { ...fill(140, 'atorvastatin', 0), prescriber }),
    pharmacyClaim(context, { ...fill(80, 'alendronate', 0), status: 'denied' }),
  ];
}

function dentalClaims(context: MemberContext): Resource[] {
  const parties = clinicianParties(context, pickClinician(context, 'dentistry'), pickFacility(context, 'dental'));
  const visit = (days: number) => ({ start: ago(context, days), end: ago(context, days), parties });
  return [
    oralClaim(context, {
      ...visit(330),
      diagnoses: [concept(ICD10CM, 'Z01.20', 'Check of the teeth')],
      visit: 'check',
    }),
    oralClaim(context, {
      ...visit(320),
      diagnoses: [concept(ICD10CM, 'K02.9', 'Tooth decay')],
      visit: 'filling',
      status: 'partiallypaid',
      related: replaces(context, 'filling'),
    }),
  ];
}

/** As feeds of other systems do: the coverage is named by the member's number, without a reference to follow. */
export function claimWithoutCoverageReference(context: MemberContext): Resource {
  const day = ago(context, 180);
  const { clinician, facility } = context.home;
  return professionalClaim(context, {
    start: day,
    end: day,
    parties: clinicianParties(context, clinician, facility),
    diagnoses: [concept(ICD10CM, 'J02.9', 'Sore throat')],
    placeOfService: '11',
    coverageByIdentifier: true,
    lines: [{ service: concept(CPT, '99213'), units: 1, amounts: splitAmounts(13000, drawSharing(context.rng, 1500)) }],
  });
}
