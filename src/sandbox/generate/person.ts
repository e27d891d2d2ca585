import type { Day } from './calendar.ts';
import { isoDay } from './calendar.ts';
import { concept, meta, type Reference, type Resource } from './fhir.ts';
import type { Address } from './providers.ts';
import { c4bb, carin, IDENTIFIER_TYPE, TERMINOLOGY, usCore, usCoreExtension } from './systems.ts';

/** A member as the plan's enrolment knows him or her. */
export interface Person {
  /** Start of the ids of everything that belongs to the member; also the id of the Patient. */
  readonly id: string;
  readonly given: readonly string[];
  readonly family: string;
  /** An earlier family name, still in the record. */
  readonly formerFamily?: string;
  readonly birth: Day;
  readonly gender: 'female' | 'male';
  readonly race: readonly [code: string, text: string];
  readonly ethnicity: readonly [code: string, text: string];
  readonly address: Address;
  readonly phone: string;
  readonly memberId: string;
  readonly subscriberId: string;
  readonly relationship: 'self' | 'spouse' | 'child';
  /** Two digits behind the subscriber id: 01 the subscriber, 02 and on the dependants. */
  readonly dependent: string;
  readonly subscriberName: { readonly given: readonly string[]; readonly family: string };
}

const PATIENT = [...carin('Patient'), usCore('patient')];
const RELATED = [...carin('RelatedPerson'), usCore('relatedperson')];
const OMB = 'urn:oid:2.16.840.1.113883.6.238';

export const memberIdSystem = (idBase: string): string => `${idBase}/member-number`;

const ombExtension = (name: string, [code, text]: readonly [string, string]) => ({
  url: usCoreExtension(name),
  extension: [
    { url: 'ombCategory', valueCoding: { system: OMB, code } },
    { url: 'text', valueString: text },
  ],
});

/** C4BB-Patient and US Core Patient. */
export function patient(person: Person, idBase: string, since: Day, asOf: Day, died?: Day): Resource {
  return {
    resourceType: 'Patient',
    id: person.id,
    meta: meta(PATIENT, died ?? since, asOf),
    extension: [
      ombExtension('race', person.race),
      ombExtension('ethnicity', person.ethnicity),
      { url: usCoreExtension('birthsex'), valueCode: person.gender === 'female' ? 'F' : 'M' },
    ],
    identifier: [
      { type: concept(IDENTIFIER_TYPE, 'MB'), system: memberIdSystem(idBase), value: person.memberId },
      { type: concept(c4bb('C4BBIdentifierType'), 'um'), system: `${idBase}/person`, value: `P-${person.id}` },
    ],
    active: true,
    name: names(person, since),
    telecom: [
      { system: 'phone', value: person.phone, use: 'home' },
      { system: 'email', value: `${person.id}@members.example.org`, use: 'home' },
    ],
    gender: person.gender,
    birthDate: isoDay(person.birth),
    ...(died === undefined ? {} : { deceasedDateTime: isoDay(died) }),
    address: [{ use: 'home', ...person.address, period: { start: isoDay(since) } }],
    communication: [{ language: concept('urn:ietf:bcp:47', 'en'), preferred: true }],
  };
}

function names(person: Person, since: Day) {
  const current = { use: 'official', family: person.family, given: person.given };
  if (person.formerFamily === undefined) return [current];
  const changedOn = since + 200;
  return [
    { ...current, period: { start: isoDay(changedOn) } },
    { use: 'old', family: person.formerFamily, given: person.given, period: { end: isoDay(changedOn - 1) } },
  ];
}

/** The subscriber as seen from a dependant, so that no reference leaves the dependant's own record. */
export function relatedPerson(
  id: string,
  person: Person,
  patientReference: Reference,
  since: Day,
  asOf: Day,
): Resource {
  const isChild = person.relationship === 'child';
  return {
    resourceType: 'RelatedPerson',
    id,
    meta: meta(RELATED, since, asOf),
    active: true,
    patient: patientReference,
    relationship: [concept(`${TERMINOLOGY}/v3-RoleCode`, isChild ? 'PRN' : 'SPS', isChild ? 'Parent' : 'Spouse')],
    name: [{ use: 'official', family: person.subscriberName.family, given: person.subscriberName.given }],
    telecom: [{ system: 'phone', value: person.phone, use: 'home' }],
    address: [person.address],
  };
}
