import type { Json } from './brute-search.ts';

const concept = (v: number): Json => ({
  coding: [{ system: `urn:crafted:${v}`, code: `c${v}` }],
  text: `Concept ${v}`,
});
const day = (v: number): string => `20${10 + v}-0${v}-1${v}`;
const time = (v: number): string => `${day(v)}T0${v}:15:00+0${v}:00`;
const period = (v: number): Json => ({ start: day(v), end: day(v + 2) });
const identifier = (v: number): Json[] => [{ system: `urn:ids:${v}`, value: `ID-${v}` }];

/** For each type, two resources that differ in everything the guides search by; references are to each other. */
export function craftedResources(patient: string): Json[] {
  const subject = { reference: `Patient/${patient}` };
  const to = (type: string, v: number): Json => ({ reference: `${type}/crafted-${v}` });
  const assertedDate = 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate';
  const of = (v: 1 | 2): Record<string, Json> => ({
    AllergyIntolerance: { patient: subject, clinicalStatus: concept(v) },
    CarePlan: {
      subject,
      status: v === 1 ? 'active' : 'completed',
      intent: 'plan',
      category: [concept(v)],
      period: period(v),
    },
    CareTeam: {
      subject,
      status: v === 1 ? 'active' : 'inactive',
      participant: [
        { role: [concept(v)], member: to('PractitionerRole', v) },
        { role: [concept(v)], member: to('Practitioner', v) },
        { role: [concept(v)], member: to('RelatedPerson', v) },
        { role: [concept(v)], member: subject },
      ],
    },
    Condition: {
      subject,
      category: [concept(v)],
      clinicalStatus: concept(v),
      code: concept(v),
      recordedDate: day(v),
      onsetDateTime: time(v),
      abatementDateTime: `20${12 + v}`,
      encounter: to('Encounter', v),
      extension: [{ url: assertedDate, valueDateTime: time(v) }],
    },
    Coverage: {
      beneficiary: subject,
      subscriber: v === 1 ? subject : to('RelatedPerson', v),
      status: v === 1 ? 'active' : 'cancelled',
      type: concept(v),
      payor: [to('Organization', v)],
      class: [{ type: concept(v), value: `Class ${v}` }],
      period: period(v),
    },
    Device: { patient: subject, type: concept(v), status: v === 1 ? 'active' : 'inactive' },
    DiagnosticReport: {
      subject,
      category: [concept(v)],
      code: concept(v),
      status: v === 1 ? 'final' : 'amended',
      effectiveDateTime: time(v),
    },
    DocumentReference: {
      subject,
      type: concept(v),
      category: [concept(v)],
      status: v === 1 ? 'current' : 'superseded',
      date: time(v),
      context: { period: period(v) },
      content: [{ attachment: { url: 'urn:x' } }],
    },
    Encounter: {
      subject,
      identifier: identifier(v),
      status: v === 1 ? 'finished' : 'planned',
      class: { system: `urn:class:${v}`, code: `K${v}` },
      type: [concept(v)],
      period: v === 1 ? period(v) : { start: day(v) },
      location: [{ location: to('Location', v) }],
      hospitalization: { dischargeDisposition: concept(v) },
      serviceProvider: to('Organization', v),
    },
    ExplanationOfBenefit: {
      patient: subject,
      identifier: identifier(v),
      type: concept(v),
      use: v === 1 ? 'claim' : 'preauthorization',
      status: v === 1 ? 'active' : 'cancelled',
      outcome: 'complete',
      billablePeriod: period(v),
      created: day(v),
      claim: to('Claim', v),
      disposition: `Disposition ${v}`,
      provider: to('Organization', v),
      facility: to('Location', v),
      insurer: to('Organization', v),
      careTeam: [{ sequence: 1, provider: to('Practitioner', v) }],
      payee: { party: to('Organization', v) },
      insurance: [{ focal: true, coverage: to('Coverage', v) }],
      item: [
        { sequence: 1, servicedDate: day(v + 1) },
        { sequence: 2, servicedPeriod: { start: day(v + 2), end: day(v + 3) } },
      ],
    },
    Goal: {
      subject,
      lifecycleStatus: v === 1 ? 'active' : 'completed',
      description: concept(v),
      target: [{ dueDate: day(v) }],
    },
    Immunization: {
      patient: subject,
      status: v === 1 ? 'completed' : 'not-done',
      occurrenceDateTime: time(v),
      vaccineCode: concept(v),
    },
    Location: {
      name: `${v === 1 ? 'Éast' : 'West'} Clinic`,
      address: { line: [`${v} Road`], city: `Town${v}`, state: v === 1 ? 'MA' : 'NY', postalCode: `0210${v}` },
      managingOrganization: to('Organization', v),
    },
    Medication: { code: concept(v) },
    MedicationDispense: {
      subject,
      status: v === 1 ? 'completed' : 'cancelled',
      type: concept(v),
      medicationReference: to('Medication', v),
      whenHandedOver: time(v),
    },
    MedicationRequest: {
      subject,
      status: v === 1 ? 'active' : 'stopped',
      intent: v === 1 ? 'order' : 'plan',
      encounter: to('Encounter', v),
      authoredOn: time(v),
      medicationReference: to('Medication', v),
    },
    Observation: {
      subject,
      status: v === 1 ? 'final' : 'amended',
      category: [concept(v)],
      code: concept(v),
      ...(v === 1 ? { effectiveDateTime: time(v) } : { effectivePeriod: period(v) }),
    },
    Organization: {
      name: `${v === 1 ? 'Éast' : 'West'} Plan`,
      address: [{ line: [`${v} Street`], city: `City${v}`, state: v === 1 ? 'MA' : 'NY', postalCode: `0220${v}` }],
    },
    Practitioner: { name: [{ family: v === 1 ? 'Ünal' : 'Smith', given: [`Given${v}`] }], identifier: identifier(v) },
    PractitionerRole: {
      practitioner: to('Practitioner', v),
      organization: to('Organization', v),
      location: [to('Location', v)],
      specialty: [concept(v)],
    },
    Procedure: { subject, status: v === 1 ? 'completed' : 'in-progress', code: concept(v), performedPeriod: period(v) },
    Provenance: {
      target: [to('Condition', v), to('Observation', v)],
      recorded: time(v),
      agent: [{ who: to('Practitioner', v), onBehalfOf: to('Organization', v) }],
    },
    QuestionnaireResponse: {
      subject,
      questionnaire: `http://forms.example/q${v}`,
      authored: time(v),
      status: v === 1 ? 'completed' : 'amended',
    },
    RelatedPerson: { patient: subject, name: [{ family: `Family${v}`, given: [`Rel${v}`] }] },
    ServiceRequest: {
      subject,
      status: v === 1 ? 'active' : 'completed',
      intent: 'order',
      category: [concept(v)],
      code: concept(v),
      authoredOn: time(v),
    },
    Specimen: { subject, type: concept(v) },
  });
  return ([1, 2] as const).flatMap((v) =>
    Object.entries(of(v)).map(([resourceType, body]) => ({
      resourceType,
      id: `crafted-${v}`,
      meta: { lastUpdated: `20${20 + v}-03-0${v}T10:00:00.000Z` },
      ...body,
    })),
  );
}
