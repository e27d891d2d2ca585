import { type DateRange, rangeOfDate, rangeOfPeriod } from './date-range.ts';

type Json = Readonly<Record<string, unknown>>;

/** By type: the element that is its clinical date (patient-access.md 3.9); `x[x]` has variants, the first present counts. */
const PRINCIPAL_DATES: Readonly<Record<string, readonly string[]>> = {
  AllergyIntolerance: ['recordedDate', 'onset[x]'],
  CarePlan: ['period', 'created'],
  CareTeam: ['period'],
  Claim: ['billablePeriod', 'created'],
  ClaimResponse: ['created'],
  Condition: ['onset[x]', 'recordedDate'],
  Consent: ['dateTime'],
  Coverage: ['period'],
  Device: ['manufactureDate'],
  DiagnosticReport: ['effective[x]', 'issued'],
  DocumentReference: ['date'],
  Encounter: ['period'],
  ExplanationOfBenefit: ['billablePeriod', 'created'],
  Goal: ['startDate'],
  Immunization: ['occurrence[x]'],
  MedicationAdministration: ['effective[x]'],
  MedicationDispense: ['whenHandedOver', 'whenPrepared'],
  MedicationRequest: ['authoredOn'],
  MedicationStatement: ['effective[x]', 'dateAsserted'],
  Observation: ['effective[x]', 'issued'],
  Patient: ['birthDate'],
  Procedure: ['performed[x]'],
  Provenance: ['recorded'],
  QuestionnaireResponse: ['authored'],
  RelatedPerson: ['birthDate'],
  ServiceRequest: ['authoredOn', 'occurrence[x]'],
};

/** The range by which a member's resources of a type are ordered and pre-filtered. */
export function principalDateOf(resource: Json): DateRange | undefined {
  for (const element of PRINCIPAL_DATES[String(resource.resourceType)] ?? []) {
    const range = element.endsWith('[x]') ? variantOf(resource, element.slice(0, -3)) : rangeOf(resource[element]);
    if (range) return range;
  }
  return undefined;
}

function variantOf(resource: Json, name: string): DateRange | undefined {
  return (
    rangeOf(resource[`${name}DateTime`]) ?? rangeOf(resource[`${name}Period`]) ?? rangeOf(resource[`${name}Instant`])
  );
}

function rangeOf(value: unknown): DateRange | undefined {
  return typeof value === 'string' ? rangeOfDate(value) : rangeOfPeriod(value);
}
