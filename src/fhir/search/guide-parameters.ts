import type { SearchParameter } from '../definitions/definitions.ts';

/** A search parameter that an implementation guide adds to those of R4. */
export interface GuideParameter extends Omit<SearchParameter, 'id'> {
  /** Canonical URL of the guide's definition. */
  readonly definition: string;
}

const CARIN = 'http://hl7.org/fhir/us/carin-bb/SearchParameter/explanationofbenefit-';
const US_CORE = 'http://hl7.org/fhir/us/core/SearchParameter/us-core-';

/**
 * By resource type, then by code: what CARIN for Blue Button, PDex and US Core search by and R4 has not.
 *
 * Source: CARIN BB 2.1.0, US Core 6.1.0 and PDex 2.1 SearchParameters; patient-access.md 4.1 to 4.3.
 */
export const GUIDE_PARAMETERS: Readonly<Record<string, Readonly<Record<string, GuideParameter>>>> = {
  ExplanationOfBenefit: {
    type: { definition: `${CARIN}type`, type: 'token', expression: 'ExplanationOfBenefit.type' },
    'service-date': {
      definition: `${CARIN}service-date`,
      type: 'date',
      expression: 'ExplanationOfBenefit.billablePeriod | ExplanationOfBenefit.item.serviced',
    },
    'service-start-date': {
      definition: `${CARIN}service-start-date`,
      type: 'date',
      expression:
        'ExplanationOfBenefit.billablePeriod.start | ExplanationOfBenefit.item.serviced.ofType(date) | ExplanationOfBenefit.item.serviced.ofType(Period).start',
    },
    'billable-period-start': {
      definition: `${CARIN}billable-period-start`,
      type: 'date',
      expression: 'ExplanationOfBenefit.billablePeriod.start',
    },
    insurer: {
      definition: `${CARIN}insurer`,
      type: 'reference',
      expression: 'ExplanationOfBenefit.insurer',
      target: ['Organization'],
    },
    use: {
      definition: 'http://hl7.org/fhir/us/davinci-pdex/SearchParameter/explanationofbenefit-use',
      type: 'token',
      expression: 'ExplanationOfBenefit.use',
    },
  },
  CareTeam: {
    role: { definition: `${US_CORE}careteam-role`, type: 'token', expression: 'CareTeam.participant.role' },
  },
  Condition: {
    'asserted-date': {
      definition: `${US_CORE}condition-asserted-date`,
      type: 'date',
      expression:
        "Condition.extension.where(url = 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate').value.ofType(dateTime)",
    },
  },
  Encounter: {
    'discharge-disposition': {
      definition: `${US_CORE}encounter-discharge-disposition`,
      type: 'token',
      expression: 'Encounter.hospitalization.dischargeDisposition',
    },
  },
  Goal: {
    description: { definition: `${US_CORE}goal-description`, type: 'token', expression: 'Goal.description' },
  },
};
