import type { Day } from './calendar.ts';
import type { Drug } from './catalogue/drugs.ts';
import { concept, meta, type Resource, reference } from './fhir.ts';
import { carin, IDENTIFIER_TYPE, NPI_SYSTEM, NUCC, RXNORM, TAX_SYSTEM, TERMINOLOGY, usCore } from './systems.ts';

export interface Address {
  readonly line: readonly string[];
  readonly city: string;
  readonly state: string;
  readonly postalCode: string;
  readonly country: string;
}

export interface FacilityFacts {
  readonly id: string;
  readonly name: string;
  readonly npi: string;
  readonly taxId: string;
  readonly taxonomy: string;
  readonly phone: string;
  readonly address: Address;
  readonly kind: string;
  /** A code of v3-RoleCode. */
  readonly locationType: string;
}

export interface PractitionerFacts {
  readonly id: string;
  readonly given: string;
  readonly family: string;
  readonly npi: string;
  readonly phone: string;
  readonly taxonomy: string;
  readonly specialtyText: string;
}

const ORGANIZATION = [...carin('Organization'), usCore('organization')];
const PRACTITIONER = [...carin('Practitioner'), usCore('practitioner')];
const ROLE = [usCore('practitionerrole')];
const LOCATION = [usCore('location')];
const MEDICATION = [usCore('medication')];

export const npiIdentifier = (value: string) => ({ type: concept(IDENTIFIER_TYPE, 'NPI'), system: NPI_SYSTEM, value });

export function providerOrganization(facts: FacilityFacts, day: Day, asOf: Day): Resource {
  return {
    resourceType: 'Organization',
    id: facts.id,
    meta: meta(ORGANIZATION, day, asOf),
    identifier: [
      npiIdentifier(facts.npi),
      { type: concept(IDENTIFIER_TYPE, 'TAX'), system: TAX_SYSTEM, value: facts.taxId },
    ],
    active: true,
    type: [concept(`${TERMINOLOGY}/organization-type`, 'prov')],
    name: facts.name,
    telecom: [{ system: 'phone', value: facts.phone, use: 'work' }],
    address: [facts.address],
  };
}

export function location(facts: FacilityFacts, organization: Resource, day: Day, asOf: Day): Resource {
  return {
    resourceType: 'Location',
    id: `${facts.id}-site`,
    meta: meta(LOCATION, day, asOf),
    status: 'active',
    name: facts.name,
    mode: 'instance',
    type: [concept(`${TERMINOLOGY}/v3-RoleCode`, facts.locationType)],
    telecom: [{ system: 'phone', value: facts.phone, use: 'work' }],
    address: facts.address,
    managingOrganization: reference(organization),
  };
}

export function practitioner(facts: PractitionerFacts, home: Resource, day: Day, asOf: Day): Resource {
  return {
    resourceType: 'Practitioner',
    id: facts.id,
    meta: meta(PRACTITIONER, day, asOf),
    identifier: [npiIdentifier(facts.npi)],
    active: true,
    name: [{ use: 'official', family: facts.family, given: [facts.given], prefix: ['Dr.'] }],
    telecom: [{ system: 'phone', value: facts.phone, use: 'work' }],
    address: home.address,
  };
}

export function practitionerRole(
  facts: PractitionerFacts,
  person: Resource,
  home: { readonly organization: Resource; readonly location: Resource },
  day: Day,
  asOf: Day,
): Resource {
  const specialty = concept(NUCC, facts.taxonomy, facts.specialtyText);
  return {
    resourceType: 'PractitionerRole',
    id: `${facts.id}-role`,
    meta: meta(ROLE, day, asOf),
    active: true,
    practitioner: reference(person),
    organization: reference(home.organization),
    code: [specialty],
    specialty: [specialty],
    location: [reference(home.location)],
    telecom: [{ system: 'phone', value: facts.phone, use: 'work' }],
  };
}

export function medication(id: string, drug: Drug, day: Day, asOf: Day): Resource {
  return {
    resourceType: 'Medication',
    id,
    meta: meta(MEDICATION, day, asOf),
    code: concept(RXNORM, drug.rxnorm, drug.text),
    status: 'active',
  };
}
