import type { MemberContext } from './context.ts';
import { type Reference, type Resource, reference } from './fhir.ts';
import { containedPayer } from './payers.ts';
import type { Clinician, Facility } from './plan.ts';
import { carin } from './systems.ts';

/** Who stands behind a claim. */
export interface Parties {
  /** Present where nothing outside the member's own resources may be referred to. */
  readonly contained?: readonly Resource[];
  readonly insurer: Reference;
  readonly provider: Reference;
  /** The person who treated; missing where the claim names none. */
  readonly clinician?: Reference | undefined;
  readonly clinicianTaxonomy?: string;
  readonly facility?: Reference | undefined;
}

/** The parties of a claim whose biller is a facility. */
export function facilityParties(context: MemberContext, facility: Facility, clinician?: Clinician): Parties {
  if (context.parties === 'contained') {
    return {
      insurer: PAYER,
      provider: PROVIDER,
      contained: [containedPayer(context.plan.facts), containedFacility(facility)],
    };
  }
  return {
    insurer: reference(context.plan.payer),
    provider: reference(facility.organization),
    facility: reference(facility.organization),
    ...(clinician ? { clinician: reference(clinician.practitioner), clinicianTaxonomy: clinician.taxonomy } : {}),
  };
}

/** The parties of a claim whose biller is a person; the facility is where it happened. */
export function clinicianParties(context: MemberContext, clinician: Clinician, facility: Facility): Parties {
  if (context.parties === 'contained') {
    return {
      insurer: PAYER,
      provider: PROVIDER,
      clinician: PROVIDER,
      clinicianTaxonomy: clinician.taxonomy,
      contained: [containedPayer(context.plan.facts), containedClinician(clinician)],
    };
  }
  return {
    insurer: reference(context.plan.payer),
    provider: reference(clinician.practitioner),
    clinician: reference(clinician.practitioner),
    clinicianTaxonomy: clinician.taxonomy,
    facility: reference(facility.organization),
  };
}

const PAYER: Reference = { reference: '#payer' };
const PROVIDER: Reference = { reference: '#provider' };

function containedFacility({ organization }: Facility): Resource {
  return {
    resourceType: 'Organization',
    id: 'provider',
    meta: { profile: carin('Organization') },
    identifier: organization.identifier,
    active: true,
    name: organization.name,
    telecom: organization.telecom,
    address: organization.address,
  };
}

function containedClinician({ practitioner }: Clinician): Resource {
  return {
    resourceType: 'Practitioner',
    id: 'provider',
    meta: { profile: carin('Practitioner') },
    identifier: practitioner.identifier,
    name: practitioner.name,
    telecom: practitioner.telecom,
    address: practitioner.address,
  };
}
