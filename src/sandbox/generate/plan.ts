import type { Day } from './calendar.ts';
import { DRUGS } from './catalogue/drugs.ts';
import { FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES, PLACES, STREETS } from './catalogue/names.ts';
import type { Resource } from './fhir.ts';
import { drawNpi, drawTaxId, npi } from './identifiers.ts';
import { type PayerFacts, payerOrganization } from './payers.ts';
import {
  type FacilityFacts,
  location,
  medication,
  type PractitionerFacts,
  practitioner,
  practitionerRole,
  providerOrganization,
} from './providers.ts';
import { Rng } from './rng.ts';

/** What a plan is called and known by. */
export interface PlanFacts extends PayerFacts {
  /** Root of the plan's identifier systems, without a slash at the end. */
  readonly idBase: string;
}

export type Specialty = 'primary' | 'pediatrics' | 'emergency' | 'surgery' | 'dentistry' | 'optometry' | 'psychiatry';
export type FacilityKind = 'hospital' | 'clinic' | 'pharmacy' | 'dental' | 'optical' | 'ambulance';

/** What all members of a plan share: the payer, another payer, facilities with their locations, clinicians, drugs. */
export interface Plan {
  readonly facts: PlanFacts;
  readonly payer: Resource;
  readonly otherPayer: Resource;
  readonly facilities: Readonly<Record<FacilityKind, readonly Facility[]>>;
  readonly clinicians: Readonly<Record<Specialty, readonly Clinician[]>>;
  readonly medications: Readonly<Record<string, Resource>>;
}

export interface Facility {
  readonly organization: Resource;
  readonly location: Resource;
}

export interface Clinician {
  readonly practitioner: Resource;
  readonly role: Resource;
  readonly taxonomy: string;
}

/** NUCC taxonomy codes as bare facts; the text is ours. */
const SPECIALTIES: Readonly<Record<Specialty, readonly [taxonomy: string, text: string, share: number]>> = {
  primary: ['207Q00000X', 'Family medicine', 4],
  pediatrics: ['208000000X', 'Child health', 2],
  emergency: ['207P00000X', 'Emergency care', 1],
  surgery: ['207X00000X', 'Bone and joint surgery', 1],
  dentistry: ['1223G0001X', 'General dentistry', 1],
  optometry: ['152W00000X', 'Eye examinations', 1],
  psychiatry: ['2084P0800X', 'Mental health', 1],
};

const FACILITIES: Readonly<
  Record<FacilityKind, readonly [taxonomy: string, word: string, share: number, locationType: string]>
> = {
  hospital: ['282N00000X', 'Hospital', 1, 'HOSP'],
  clinic: ['261QP2300X', 'Family Clinic', 3, 'OF'],
  pharmacy: ['3336C0003X', 'Pharmacy', 2, 'PHARM'],
  dental: ['261QD0000X', 'Dental Care', 1, 'OF'],
  optical: ['332H00000X', 'Eye Center', 1, 'OF'],
  ambulance: ['341600000X', 'Ambulance', 1, 'AMB'],
};

/**
 * Makes the shared world of a plan with room for `members` members: one clinician of each specialty per 2,000
 * members and share, at least two; never more than 5,000 of one, so that the memory does not grow with the plan.
 */
export function makePlan(facts: PlanFacts, seed: string, tag: string, asOf: Day, members: number): Plan {
  const rng = new Rng(`${seed}/plan`);
  const known = asOf - 2200;
  const scale = Math.min(1250, Math.max(1, Math.ceil(members / 2000)));
  const facilities = mapValues(FACILITIES, (row, kind) =>
    Array.from({ length: row[2] * scale }, (_, index) =>
      drawFacility(rng, `${tag}-${kind}-${index + 1}`, kind, row, known, asOf),
    ),
  );
  const clinicians = mapValues(SPECIALTIES, ([taxonomy, text, share], specialty) =>
    Array.from({ length: Math.max(2, share * scale) }, (_, index) => {
      const home = homeOf(facilities, specialty, index);
      return drawClinician(rng, `${tag}-${specialty}-${index + 1}`, { taxonomy, text }, home, known, asOf);
    }),
  );
  return {
    facts,
    payer: payerOrganization(`${tag}-payer`, facts, known, asOf),
    otherPayer: payerOrganization(`${tag}-other-payer`, OTHER_PAYER, known, asOf),
    facilities,
    clinicians,
    medications: mapValues(DRUGS, (drug) => medication(`${tag}-drug-${drug.key}`, drug, known, asOf)),
  };
}

const OTHER_PAYER: PayerFacts = {
  name: 'Quarry Hill Insurance',
  npi: npi('199999002'),
  naic: '99902',
  payerId: 'QHI01',
  taxId: '00-9999902',
};

function drawFacility(
  rng: Rng,
  id: string,
  kind: FacilityKind,
  [taxonomy, word, , locationType]: (typeof FACILITIES)[FacilityKind],
  known: Day,
  asOf: Day,
): Facility {
  const [city, state, postalCode] = rng.pick(PLACES);
  const facts: FacilityFacts = {
    id,
    name: `${rng.pick(FAMILY_NAMES)} ${word}`,
    npi: drawNpi(rng),
    taxId: drawTaxId(rng),
    taxonomy,
    phone: `617-555-01${rng.digits(2)}`,
    address: { line: [`${rng.int(1, 900)} ${rng.pick(STREETS)}`], city, state, postalCode, country: 'US' },
    kind,
    locationType,
  };
  const organization = providerOrganization(facts, known, asOf);
  return { organization, location: location(facts, organization, known, asOf) };
}

function drawClinician(
  rng: Rng,
  id: string,
  { taxonomy, text }: { taxonomy: string; text: string },
  home: Facility,
  known: Day,
  asOf: Day,
): Clinician {
  const facts: PractitionerFacts = {
    id,
    given: rng.pick(rng.chance(0.5) ? FEMALE_NAMES : MALE_NAMES),
    family: rng.pick(FAMILY_NAMES),
    npi: drawNpi(rng),
    phone: `617-555-01${rng.digits(2)}`,
    taxonomy,
    specialtyText: text,
  };
  const person = practitioner(facts, home.organization, known, asOf);
  return { practitioner: person, role: practitionerRole(facts, person, home, known, asOf), taxonomy };
}

function homeOf(facilities: Plan['facilities'], specialty: Specialty, index: number): Facility {
  const kind: FacilityKind =
    specialty === 'emergency' || specialty === 'surgery'
      ? 'hospital'
      : specialty === 'dentistry'
        ? 'dental'
        : specialty === 'optometry'
          ? 'optical'
          : 'clinic';
  return facilities[kind][index % facilities[kind].length]!;
}

/** Every shared resource once, payers first. */
export function* sharedResources(plan: Plan): Generator<Resource> {
  yield plan.payer;
  yield plan.otherPayer;
  for (const list of Object.values(plan.facilities)) {
    for (const { organization, location: place } of list) {
      yield organization;
      yield place;
    }
  }
  for (const list of Object.values(plan.clinicians)) {
    for (const { practitioner: person, role } of list) {
      yield person;
      yield role;
    }
  }
  yield* Object.values(plan.medications);
}

function mapValues<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  change: (value: A, key: K) => B,
): Record<K, B> {
  const entries = Object.entries(record) as [K, A][];
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value, key)])) as Record<K, B>;
}
