/**
 * The resource types that may leave in an export (payer-to-payer.md 5.1). Types of 5.2 (`Claim`, `ClaimResponse`,
 * `PaymentReconciliation`, `Binary` ...) are never in it; whether a single resource leaves is decided by the disclosure
 * policy.
 */
export const MEMBER_TYPES = [
  'Patient',
  'Coverage',
  'ExplanationOfBenefit',
  'Encounter',
  'Condition',
  'AllergyIntolerance',
  'Observation',
  'DiagnosticReport',
  'DocumentReference',
  'Procedure',
  'Immunization',
  'MedicationRequest',
  'MedicationDispense',
  'CarePlan',
  'CareTeam',
  'Goal',
  'Device',
  'Specimen',
  'ServiceRequest',
  'QuestionnaireResponse',
  'RelatedPerson',
  'Provenance',
] as const;

/** Belong to no member. They leave only when a resource that leaves names them (payer-to-payer.md 5.3). */
export const SHARED_TYPES = ['Organization', 'Practitioner', 'PractitionerRole', 'Location', 'Medication'] as const;

export const EXPORTABLE_TYPES: readonly string[] = [...MEMBER_TYPES, ...SHARED_TYPES];

const memberTypes: ReadonlySet<string> = new Set(MEMBER_TYPES);
const sharedTypes: ReadonlySet<string> = new Set(SHARED_TYPES);

export const isMemberType = (type: string): boolean => memberTypes.has(type);
export const isSharedType = (type: string): boolean => sharedTypes.has(type);
export const isExportable = (type: string): boolean => isMemberType(type) || isSharedType(type);
