import { describe, expect, test } from 'vitest';
import { validateResource } from './validate.ts';

const URL = 'http://example.org/x';
const TERMS = 'http://terminology.hl7.org/CodeSystem';
const text = { text: 'x' };
const who = { display: 'x' };
const coded = (system: string, code: string): object => ({ coding: [{ system: `${TERMS}/${system}`, code }] });

const resource = (type: string, fields: object) => (more: object) => ({ resourceType: type, ...fields, ...more });
const allergy = resource('AllergyIntolerance', { patient: who });
const appointment = resource('Appointment', {
  status: 'booked',
  participant: [{ actor: who, status: 'accepted' }],
  start: '2024-01-01T10:00:00Z',
  end: '2024-01-01T11:00:00Z',
});
const condition = resource('Condition', { subject: who });
const observation = resource('Observation', {
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '1' }] },
});
const composition = {
  resourceType: 'Composition',
  status: 'final',
  type: text,
  date: '2024',
  author: [who],
  title: 'x',
};
const audit = (entity: object): object => ({
  resourceType: 'AuditEvent',
  type: { code: 'a' },
  recorded: '2024-01-01T00:00:00Z',
  agent: [{ requestor: true }],
  source: { observer: who },
  entity: [entity],
});
const eligibility = (fields: object): object => ({
  resourceType: 'CoverageEligibilityResponse',
  status: 'active',
  purpose: ['benefits'],
  patient: who,
  created: '2024',
  request: who,
  outcome: 'complete',
  insurer: who,
  insurance: [{ coverage: who, item: [fields] }],
});
const immunization = (education: object): object => ({
  resourceType: 'Immunization',
  status: 'completed',
  vaccineCode: text,
  patient: who,
  occurrenceDateTime: '2024',
  education: [education],
});
const recommendation = (fields: object): object => ({
  resourceType: 'ImmunizationRecommendation',
  patient: who,
  date: '2024',
  recommendation: [{ forecastStatus: text, ...fields }],
});
const report = resource('MeasureReport', {
  status: 'complete',
  type: 'summary',
  measure: URL,
  period: { start: '2024' },
});
const administration = (dosage: object): object => ({
  resourceType: 'MedicationAdministration',
  status: 'completed',
  medicationCodeableConcept: text,
  subject: who,
  effectiveDateTime: '2024',
  dosage,
});

/** Key of the rule, what it lets through, what it refuses. */
const RULES: readonly [string, object, object][] = [
  ['ait-1', allergy({ clinicalStatus: coded('allergyintolerance-clinical', 'active') }), allergy({})],
  [
    'ait-2',
    allergy({ verificationStatus: coded('allergyintolerance-verification', 'entered-in-error') }),
    allergy({
      verificationStatus: coded('allergyintolerance-verification', 'entered-in-error'),
      clinicalStatus: coded('allergyintolerance-clinical', 'active'),
    }),
  ],
  ['app-1', appointment({}), appointment({ participant: [{ status: 'accepted' }] })],
  ['app-2', appointment({}), appointment({ end: undefined, status: 'proposed' })],
  [
    'app-3',
    appointment({ status: 'proposed', start: undefined, end: undefined }),
    appointment({ start: undefined, end: undefined }),
  ],
  ['app-4', appointment({ status: 'cancelled', cancelationReason: text }), appointment({ cancelationReason: text })],
  [
    'apr-1',
    { resourceType: 'AppointmentResponse', appointment: who, participantStatus: 'accepted', actor: who },
    { resourceType: 'AppointmentResponse', appointment: who, participantStatus: 'accepted' },
  ],
  [
    'cpl-3',
    { resourceType: 'CarePlan', status: 'active', intent: 'plan', subject: who, activity: [{ reference: who }] },
    {
      resourceType: 'CarePlan',
      status: 'active',
      intent: 'plan',
      subject: who,
      activity: [{ reference: who, detail: { status: 'scheduled' } }],
    },
  ],
  ['cmp-1', { ...composition, section: [{ title: 'a', entry: [who] }] }, { ...composition, section: [{ title: 'a' }] }],
  [
    'cmp-2',
    { ...composition, section: [{ entry: [who] }] },
    { ...composition, section: [{ entry: [who], emptyReason: text }] },
  ],
  ['con-1', condition({ stage: [{ summary: text }] }), condition({ stage: [{ type: text }] })],
  [
    'con-2',
    condition({ evidence: [{ detail: [who] }] }),
    condition({ evidence: [{ extension: [{ url: URL, valueString: 'a' }] }] }),
  ],
  [
    'con-4',
    condition({ abatementDateTime: '2024', clinicalStatus: coded('condition-clinical', 'resolved') }),
    condition({ abatementDateTime: '2024', clinicalStatus: coded('condition-clinical', 'active') }),
  ],
  [
    'con-5',
    condition({ verificationStatus: coded('condition-ver-status', 'entered-in-error') }),
    condition({
      verificationStatus: coded('condition-ver-status', 'entered-in-error'),
      clinicalStatus: coded('condition-clinical', 'active'),
    }),
  ],
  [
    'ppc-1',
    { resourceType: 'Consent', status: 'active', scope: text, category: [text], policy: [{ uri: URL }] },
    { resourceType: 'Consent', status: 'active', scope: text, category: [text] },
  ],
  [
    'fhs-1',
    { resourceType: 'FamilyMemberHistory', status: 'completed', patient: who, relationship: text, ageString: '7' },
    {
      resourceType: 'FamilyMemberHistory',
      status: 'completed',
      patient: who,
      relationship: text,
      ageString: '7',
      bornDate: '1980',
    },
  ],
  [
    'fhs-2',
    {
      resourceType: 'FamilyMemberHistory',
      status: 'completed',
      patient: who,
      relationship: text,
      ageString: '7',
      estimatedAge: true,
    },
    { resourceType: 'FamilyMemberHistory', status: 'completed', patient: who, relationship: text, estimatedAge: true },
  ],
  [
    'gol-1',
    {
      resourceType: 'Goal',
      lifecycleStatus: 'active',
      description: text,
      subject: who,
      target: [{ measure: text, detailString: 'a' }],
    },
    {
      resourceType: 'Goal',
      lifecycleStatus: 'active',
      description: text,
      subject: who,
      target: [{ detailString: 'a' }],
    },
  ],
  [
    'grp-1',
    { resourceType: 'Group', type: 'person', actual: true, member: [{ entity: who }] },
    { resourceType: 'Group', type: 'person', actual: false, member: [{ entity: who }] },
  ],
  ['ipn-1', { resourceType: 'InsurancePlan', name: 'x' }, { resourceType: 'InsurancePlan', status: 'active' }],
  [
    'lst-1',
    { resourceType: 'List', status: 'current', mode: 'working', emptyReason: text },
    { resourceType: 'List', status: 'current', mode: 'working', emptyReason: text, entry: [{ item: who }] },
  ],
  [
    'lst-2',
    { resourceType: 'List', status: 'current', mode: 'changes', entry: [{ item: who, deleted: true }] },
    { resourceType: 'List', status: 'current', mode: 'working', entry: [{ item: who, deleted: true }] },
  ],
  [
    'lst-3',
    { resourceType: 'List', status: 'current', mode: 'working', entry: [{ item: who, date: '2024' }] },
    { resourceType: 'List', status: 'current', mode: 'changes', entry: [{ item: who, date: '2024' }] },
  ],
  [
    'mdd-1',
    {
      resourceType: 'MedicationDispense',
      status: 'completed',
      medicationCodeableConcept: text,
      whenPrepared: '2024-01-01',
      whenHandedOver: '2024-01-01',
    },
    {
      resourceType: 'MedicationDispense',
      status: 'completed',
      medicationCodeableConcept: text,
      whenPrepared: '2024-01-02',
      whenHandedOver: '2024-01-01',
    },
  ],
  ['obs-3', observation({ referenceRange: [{ text: 'a' }] }), observation({ referenceRange: [{ type: text }] })],
  ['obs-6', observation({ dataAbsentReason: text }), observation({ dataAbsentReason: text, valueString: 'a' })],
  [
    'obs-7',
    observation({ valueString: 'a', component: [{ code: { coding: [{ system: 'http://loinc.org', code: '2' }] } }] }),
    observation({ valueString: 'a', component: [{ code: { coding: [{ code: '1', system: 'http://loinc.org' }] } }] }),
  ],
  ['org-1', { resourceType: 'Organization', name: 'x' }, { resourceType: 'Organization', active: true }],
  [
    'org-2',
    { resourceType: 'Organization', name: 'x', address: [{ use: 'work', city: 'a' }] },
    { resourceType: 'Organization', name: 'x', address: [{ use: 'home', city: 'a' }] },
  ],
  [
    'org-3',
    { resourceType: 'Organization', name: 'x', telecom: [{ system: 'phone', use: 'work', value: '1' }] },
    { resourceType: 'Organization', name: 'x', telecom: [{ system: 'phone', use: 'home', value: '1' }] },
  ],
  [
    'pat-1',
    { resourceType: 'Patient', contact: [{ organization: who }] },
    { resourceType: 'Patient', contact: [{ gender: 'female' }] },
  ],
  [
    'qrs-1',
    {
      resourceType: 'QuestionnaireResponse',
      status: 'completed',
      item: [{ linkId: '1', answer: [{ valueString: 'a' }] }],
    },
    {
      resourceType: 'QuestionnaireResponse',
      status: 'completed',
      item: [{ linkId: '1', answer: [{ valueString: 'a' }], item: [{ linkId: '2' }] }],
    },
  ],
  [
    'ras-2',
    { resourceType: 'RiskAssessment', status: 'final', subject: who, prediction: [{ probabilityDecimal: 100 }] },
    { resourceType: 'RiskAssessment', status: 'final', subject: who, prediction: [{ probabilityDecimal: 100.5 }] },
  ],
  [
    'prr-1',
    {
      resourceType: 'ServiceRequest',
      status: 'active',
      intent: 'order',
      subject: who,
      code: text,
      orderDetail: [text],
    },
    { resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: who, orderDetail: [text] },
  ],
  ['sev-1', audit({ name: 'a' }), audit({ name: 'a', query: 'YQ==' })],
  ['ces-1', eligibility({ category: text }), eligibility({ category: text, productOrService: text })],
  ['imm-1', immunization({ documentType: 'a' }), immunization({ publicationDate: '2024' })],
  ['imr-1', recommendation({ targetDisease: text }), recommendation({})],
  [
    'lnk-1',
    {
      resourceType: 'Linkage',
      item: [
        { type: 'source', resource: who },
        { type: 'alternate', resource: who },
      ],
    },
    { resourceType: 'Linkage', item: [{ type: 'source', resource: who }] },
  ],
  ['mrp-1', report({ group: [{ code: text }] }), report({ group: [{ code: text }], type: 'data-collection' })],
  ['mad-1', administration({ dose: { value: 1 } }), administration({ text: 'a' })],
  [
    'rqg-1',
    { resourceType: 'RequestGroup', status: 'active', intent: 'plan', action: [{ resource: who }] },
    { resourceType: 'RequestGroup', status: 'active', intent: 'plan', action: [{ title: 'a' }] },
  ],
];

describe('invariants of resources, from both sides', () => {
  test.each(RULES)('%s: the good one has no issue, the bad one is refused by this rule', (key, good, bad) => {
    expect(validateResource(JSON.parse(JSON.stringify(good)))).toEqual([]);
    const messages = validateResource(JSON.parse(JSON.stringify(bad))).map(({ code, message }) => `${code} ${message}`);
    expect(messages.filter((message) => message.startsWith('invariant') && message.includes(key))).toHaveLength(1);
  });
});
