/**
 * The 146 resource types of FHIR R4 (4.0.1) with the small number that stands for each in the database.
 *
 * The numbers are in stored rows: never renumber, never reuse. A type of a later version would get the next free number.
 */
export const RESOURCE_TYPE_NUMBERS = {
  Account: 1,
  ActivityDefinition: 2,
  AdverseEvent: 3,
  AllergyIntolerance: 4,
  Appointment: 5,
  AppointmentResponse: 6,
  AuditEvent: 7,
  Basic: 8,
  Binary: 9,
  BiologicallyDerivedProduct: 10,
  BodyStructure: 11,
  Bundle: 12,
  CapabilityStatement: 13,
  CarePlan: 14,
  CareTeam: 15,
  CatalogEntry: 16,
  ChargeItem: 17,
  ChargeItemDefinition: 18,
  Claim: 19,
  ClaimResponse: 20,
  ClinicalImpression: 21,
  CodeSystem: 22,
  Communication: 23,
  CommunicationRequest: 24,
  CompartmentDefinition: 25,
  Composition: 26,
  ConceptMap: 27,
  Condition: 28,
  Consent: 29,
  Contract: 30,
  Coverage: 31,
  CoverageEligibilityRequest: 32,
  CoverageEligibilityResponse: 33,
  DetectedIssue: 34,
  Device: 35,
  DeviceDefinition: 36,
  DeviceMetric: 37,
  DeviceRequest: 38,
  DeviceUseStatement: 39,
  DiagnosticReport: 40,
  DocumentManifest: 41,
  DocumentReference: 42,
  EffectEvidenceSynthesis: 43,
  Encounter: 44,
  Endpoint: 45,
  EnrollmentRequest: 46,
  EnrollmentResponse: 47,
  EpisodeOfCare: 48,
  EventDefinition: 49,
  Evidence: 50,
  EvidenceVariable: 51,
  ExampleScenario: 52,
  ExplanationOfBenefit: 53,
  FamilyMemberHistory: 54,
  Flag: 55,
  Goal: 56,
  GraphDefinition: 57,
  Group: 58,
  GuidanceResponse: 59,
  HealthcareService: 60,
  ImagingStudy: 61,
  Immunization: 62,
  ImmunizationEvaluation: 63,
  ImmunizationRecommendation: 64,
  ImplementationGuide: 65,
  InsurancePlan: 66,
  Invoice: 67,
  Library: 68,
  Linkage: 69,
  List: 70,
  Location: 71,
  Measure: 72,
  MeasureReport: 73,
  Media: 74,
  Medication: 75,
  MedicationAdministration: 76,
  MedicationDispense: 77,
  MedicationKnowledge: 78,
  MedicationRequest: 79,
  MedicationStatement: 80,
  MedicinalProduct: 81,
  MedicinalProductAuthorization: 82,
  MedicinalProductContraindication: 83,
  MedicinalProductIndication: 84,
  MedicinalProductIngredient: 85,
  MedicinalProductInteraction: 86,
  MedicinalProductManufactured: 87,
  MedicinalProductPackaged: 88,
  MedicinalProductPharmaceutical: 89,
  MedicinalProductUndesirableEffect: 90,
  MessageDefinition: 91,
  MessageHeader: 92,
  MolecularSequence: 93,
  NamingSystem: 94,
  NutritionOrder: 95,
  Observation: 96,
  ObservationDefinition: 97,
  OperationDefinition: 98,
  OperationOutcome: 99,
  Organization: 100,
  OrganizationAffiliation: 101,
  Parameters: 102,
  Patient: 103,
  PaymentNotice: 104,
  PaymentReconciliation: 105,
  Person: 106,
  PlanDefinition: 107,
  Practitioner: 108,
  PractitionerRole: 109,
  Procedure: 110,
  Provenance: 111,
  Questionnaire: 112,
  QuestionnaireResponse: 113,
  RelatedPerson: 114,
  RequestGroup: 115,
  ResearchDefinition: 116,
  ResearchElementDefinition: 117,
  ResearchStudy: 118,
  ResearchSubject: 119,
  RiskAssessment: 120,
  RiskEvidenceSynthesis: 121,
  Schedule: 122,
  SearchParameter: 123,
  ServiceRequest: 124,
  Slot: 125,
  Specimen: 126,
  SpecimenDefinition: 127,
  StructureDefinition: 128,
  StructureMap: 129,
  Subscription: 130,
  Substance: 131,
  SubstanceNucleicAcid: 132,
  SubstancePolymer: 133,
  SubstanceProtein: 134,
  SubstanceReferenceInformation: 135,
  SubstanceSourceMaterial: 136,
  SubstanceSpecification: 137,
  SupplyDelivery: 138,
  SupplyRequest: 139,
  Task: 140,
  TerminologyCapabilities: 141,
  TestReport: 142,
  TestScript: 143,
  ValueSet: 144,
  VerificationResult: 145,
  VisionPrescription: 146,
} as const satisfies Record<string, number>;

export type ResourceType = keyof typeof RESOURCE_TYPE_NUMBERS;

export const RESOURCE_TYPES: readonly ResourceType[] = Object.keys(RESOURCE_TYPE_NUMBERS) as ResourceType[];

const numbers: ReadonlyMap<string, number> = new Map(Object.entries(RESOURCE_TYPE_NUMBERS));
const types: ReadonlyMap<number, ResourceType> = new Map(
  RESOURCE_TYPES.map((type) => [RESOURCE_TYPE_NUMBERS[type], type]),
);

/** Is this the name of an R4 resource type? Names are case-sensitive. */
export function isResourceType(name: unknown): name is ResourceType {
  return typeof name === 'string' && numbers.has(name);
}

/**
 * The number of a type in the database.
 *
 * @throws RangeError for a name that is no R4 type: ask isResourceType first where the name comes from outside
 */
export function rtOf(type: string): number {
  const number = numbers.get(type);
  if (number === undefined) throw new RangeError('not an R4 resource type');
  return number;
}

/**
 * The type of a number in the database.
 *
 * @throws RangeError when no type has the number
 */
export function typeOf(rt: number): ResourceType {
  const type = types.get(rt);
  if (type === undefined) throw new RangeError(`no resource type has the number ${rt}`);
  return type;
}
