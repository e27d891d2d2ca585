import type { Day } from './calendar.ts';
import { concept, type Meta, meta, type Resource } from './fhir.ts';
import { c4bb, carin, IDENTIFIER_TYPE, NAIC_SYSTEM, NPI_SYSTEM, TAX_SYSTEM, TERMINOLOGY, usCore } from './systems.ts';

export interface PayerFacts {
  readonly name: string;
  readonly npi: string;
  /** 5 digits; 99900 and above are not assigned to companies. */
  readonly naic: string;
  readonly payerId: string;
  readonly taxId: string;
}

const PROFILES = [...carin('Organization'), usCore('organization')];

/** Identifiers of a payer in the slices of C4BB-Organization: NPI, tax number, payer id, NAIC company code. */
function payerIdentifiers(facts: PayerFacts) {
  return [
    { type: concept(IDENTIFIER_TYPE, 'NPI'), system: NPI_SYSTEM, value: facts.npi },
    { type: concept(IDENTIFIER_TYPE, 'TAX'), system: TAX_SYSTEM, value: facts.taxId },
    {
      type: concept(c4bb('C4BBIdentifierType'), 'payerid'),
      system: 'https://payers.example.org/ids/payer',
      value: facts.payerId,
    },
    { type: concept(c4bb('C4BBIdentifierType'), 'naiccode'), system: NAIC_SYSTEM, value: facts.naic },
  ];
}

function payerBody(facts: PayerFacts) {
  return {
    identifier: payerIdentifiers(facts),
    active: true,
    type: [concept(`${TERMINOLOGY}/organization-type`, 'pay')],
    name: facts.name,
    telecom: [{ system: 'phone', value: '800-555-0142', use: 'work' }],
    address: [{ line: ['100 Bridge Plaza'], city: 'Boston', state: 'MA', postalCode: '02110', country: 'US' }],
  };
}

/** A health plan as C4BB-Organization and US Core Organization. */
export function payerOrganization(id: string, facts: PayerFacts, day: Day, asOf: Day): Resource {
  return { resourceType: 'Organization', id, meta: meta(PROFILES, day, asOf), ...payerBody(facts) };
}

/** The same inside another resource: dom-4 forbids `meta.lastUpdated` there. */
export function containedPayer(facts: PayerFacts): Resource {
  const bare: Pick<Meta, 'profile'> = { profile: carin('Organization') };
  return { resourceType: 'Organization', id: 'payer', meta: bare, ...payerBody(facts) };
}
