import { describe, expect, test } from 'vitest';
import { validateResource } from './validate.ts';

const URL = 'http://example.org/x';
const UCUM = 'http://unitsofmeasure.org';
const TERMS = 'http://terminology.hl7.org/CodeSystem';
const text = { text: 'x' };
const who = { display: 'x' };
const coded = (system: string, code: string): object => ({ coding: [{ system: `${TERMS}/${system}`, code }] });

/** The value inside an otherwise good resource, for rules of data types. */
const valued = (type: string, value: unknown): object => ({
  resourceType: 'Basic',
  code: text,
  extension: [{ url: URL, [`value${type}`]: value }],
});
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
const timing = (repeat: object): object => valued('Timing', { repeat });
const bundle = (type: string, entry: readonly object[], more: object = {}): object => ({
  resourceType: 'Bundle',
  type,
  entry,
  ...more,
});
const patient = { resourceType: 'Patient', id: 'p' };
const document = { identifier: { system: 'http://example.org', value: '1' }, timestamp: '2024-01-01T00:00:00Z' };
const composition = {
  resourceType: 'Composition',
  status: 'final',
  type: text,
  date: '2024',
  author: [who],
  title: 'x',
};
const item = (fields: object): object => ({
  resourceType: 'Questionnaire',
  status: 'active',
  item: [{ linkId: '1', type: 'string', ...fields }],
});
const include = (fields: object): object => ({
  resourceType: 'ValueSet',
  status: 'active',
  compose: { include: [fields] },
});

/** Key of the rule, what it lets through, what it refuses. */
const RULES: readonly [string, object, object][] = [
  [
    'ext-1',
    valued('String', 'a'),
    {
      ...valued('String', 'a'),
      extension: [{ url: URL, valueString: 'a', extension: [{ url: URL, valueString: 'b' }] }],
    },
  ],
  [
    'ext-1',
    { resourceType: 'Basic', code: text, extension: [{ url: URL, extension: [{ url: 'a', valueString: 'b' }] }] },
    { resourceType: 'Basic', code: text, extension: [{ url: URL }] },
  ],
  [
    'extensibility',
    valued('String', 'a'),
    { resourceType: 'Basic', code: text, extension: [{ url: `${URL}|4.0.1`, valueString: 'a' }] },
  ],
  ['qty-3', valued('Quantity', { value: 1, code: 'kg', system: UCUM }), valued('Quantity', { value: 1, code: 'kg' })],
  ['age-1', valued('Age', { value: 1, code: 'a', system: UCUM }), valued('Age', { value: 1 })],
  ['age-1', valued('Age', { value: 1, code: 'a', system: UCUM }), valued('Age', { value: 0, code: 'a', system: UCUM })],
  [
    'cnt-3',
    valued('Count', { value: 2, code: '1', system: UCUM }),
    valued('Count', { value: 2.5, code: '1', system: UCUM }),
  ],
  [
    'dis-1',
    valued('Distance', { value: 2, code: 'km', system: UCUM }),
    valued('Distance', { value: 2, code: 'km', system: URL }),
  ],
  ['drt-1', valued('Duration', { value: 2, code: 'h', system: UCUM }), valued('Duration', { code: 'h', system: UCUM })],
  ['att-1', valued('Attachment', { contentType: 'text/plain', data: 'YQ==' }), valued('Attachment', { data: 'YQ==' })],
  [
    'size',
    valued('Attachment', { contentType: 'text/plain', data: 'YQ==', size: 1 }),
    valued('Attachment', { contentType: 'text/plain', data: 'YQ==', size: 2 }),
  ],
  ['cpt-2', valued('ContactPoint', { system: 'phone', value: '1' }), valued('ContactPoint', { value: '1' })],
  [
    'per-1',
    valued('Period', { start: '2024-01-01', end: '2024-01-01' }),
    valued('Period', { start: '2024-01-02', end: '2024-01-01' }),
  ],
  [
    'per-1',
    valued('Period', { start: '2024-05-01', end: '2024' }),
    valued('Period', { start: '2025-05-01', end: '2024' }),
  ],
  [
    'rng-2',
    valued('Range', { low: { value: 1 }, high: { value: 2 } }),
    valued('Range', { low: { value: 3 }, high: { value: 2 } }),
  ],
  [
    'rat-1',
    valued('Ratio', { numerator: { value: 1 }, denominator: { value: 2 } }),
    valued('Ratio', { numerator: { value: 1 } }),
  ],
  [
    'exp-1',
    valued('Expression', { language: 'text/cql', expression: 'x' }),
    valued('Expression', { language: 'text/cql' }),
  ],
  ['tim-1', timing({ duration: 1, durationUnit: 'h' }), timing({ duration: 1 })],
  ['tim-2', timing({ period: 1, periodUnit: 'd' }), timing({ period: 1 })],
  ['tim-4', timing({ duration: 0, durationUnit: 'h' }), timing({ duration: -1, durationUnit: 'h' })],
  ['tim-5', timing({ period: 0, periodUnit: 'd' }), timing({ period: -1, periodUnit: 'd' })],
  ['tim-6', timing({ period: 1, periodMax: 2, periodUnit: 'd' }), timing({ periodMax: 2, periodUnit: 'd' })],
  ['tim-7', timing({ duration: 1, durationMax: 2, durationUnit: 'h' }), timing({ durationMax: 2, durationUnit: 'h' })],
  ['tim-8', timing({ count: 1, countMax: 2 }), timing({ countMax: 2 })],
  ['tim-9', timing({ offset: 1, when: ['HS'] }), timing({ offset: 1, when: ['CM'] })],
  ['tim-10', timing({ when: ['HS'] }), timing({ when: ['HS'], timeOfDay: ['10:00:00'] })],
  [
    'trd-1',
    valued('TriggerDefinition', { type: 'data-added', data: [{ type: 'Patient' }] }),
    valued('TriggerDefinition', { type: 'data-added', data: [{ type: 'Patient' }], timingDate: '2024' }),
  ],
  [
    'trd-2',
    valued('TriggerDefinition', {
      type: 'data-added',
      data: [{ type: 'Patient' }],
      condition: { language: 'a', expression: 'x' },
    }),
    valued('TriggerDefinition', { type: 'data-added', condition: { language: 'a', expression: 'x' } }),
  ],
  [
    'drq-1',
    valued('DataRequirement', { type: 'Patient', codeFilter: [{ path: 'a' }] }),
    valued('DataRequirement', { type: 'Patient', codeFilter: [{ path: 'a', searchParam: 'b' }] }),
  ],
  [
    'drq-2',
    valued('DataRequirement', { type: 'Patient', dateFilter: [{ searchParam: 'b' }] }),
    valued('DataRequirement', { type: 'Patient', dateFilter: [{ id: 'a', valueDateTime: '2024' }] }),
  ],
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
  [
    'bdl-1',
    bundle('searchset', [], { entry: undefined, total: 0 }),
    bundle('collection', [], { entry: undefined, total: 0 }),
  ],
  [
    'bdl-2',
    bundle('searchset', [{ resource: patient, search: { mode: 'match' } }]),
    bundle('collection', [{ resource: patient, search: { mode: 'match' } }]),
  ],
  [
    'bdl-3',
    bundle('batch', [{ request: { method: 'GET', url: 'Patient/1' } }]),
    bundle('batch', [{ resource: patient }]),
  ],
  [
    'bdl-3',
    bundle('collection', [{ resource: patient }]),
    bundle('collection', [{ resource: patient, request: { method: 'GET', url: 'Patient/1' } }]),
  ],
  [
    'bdl-4',
    bundle('batch-response', [{ response: { status: '200' } }]),
    bundle('collection', [{ resource: patient, response: { status: '200' } }]),
  ],
  [
    'bdl-5',
    bundle('collection', [{ resource: patient }]),
    bundle('collection', [{ fullUrl: 'http://example.org/Patient/p' }]),
  ],
  [
    'bdl-7',
    bundle('collection', [
      { fullUrl: 'http://example.org/Patient/p', resource: patient },
      { fullUrl: 'http://example.org/Patient/q', resource: patient },
    ]),
    bundle('collection', [
      { fullUrl: 'http://example.org/Patient/p', resource: patient },
      { fullUrl: 'http://example.org/Patient/p', resource: patient },
    ]),
  ],
  [
    'bdl-8',
    bundle('collection', [{ fullUrl: 'http://example.org/Patient/p', resource: patient }]),
    bundle('collection', [{ fullUrl: 'http://example.org/Patient/p/_history/1', resource: patient }]),
  ],
  [
    'fullUrl',
    bundle('collection', [{ fullUrl: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', resource: patient }]),
    bundle('collection', [{ fullUrl: 'Patient/p', resource: patient }]),
  ],
  [
    'bdl-9',
    bundle('document', [{ resource: composition }], document),
    bundle('document', [{ resource: composition }], { ...document, identifier: { value: '1' } }),
  ],
  [
    'bdl-10',
    bundle('document', [{ resource: composition }], document),
    bundle('document', [{ resource: composition }], { identifier: document.identifier }),
  ],
  [
    'bdl-11',
    bundle('document', [{ resource: composition }], document),
    bundle('document', [{ resource: patient }], document),
  ],
  [
    'bdl-12',
    bundle('message', [{ resource: { resourceType: 'MessageHeader', eventUri: URL, source: { endpoint: URL } } }]),
    bundle('message', [{ resource: patient }]),
  ],
  [
    'links',
    bundle('searchset', [{ resource: patient }], {
      link: [
        { relation: 'self', url: URL },
        { relation: 'next', url: URL },
      ],
    }),
    bundle('searchset', [{ resource: patient }], {
      link: [
        { relation: 'self', url: URL },
        { relation: 'self', url: URL },
      ],
    }),
  ],
  [
    'search result',
    bundle('searchset', [
      { resource: patient },
      { resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'processing' }] } },
    ]),
    bundle('searchset', [{ resource: { resourceType: 'Patient' } }]),
  ],
  [
    'inv-1',
    {
      resourceType: 'Parameters',
      parameter: [
        { name: 'a', resource: patient },
        { name: 'b', valueString: 'c' },
        { name: 'd', part: [{ name: 'e', valueDate: '2024' }] },
      ],
    },
    { resourceType: 'Parameters', parameter: [{ name: 'a', resource: patient, valueString: 'b' }] },
  ],
  [
    'inv-1',
    { resourceType: 'Parameters', parameter: [{ name: 'a', valueString: 'b' }] },
    { resourceType: 'Parameters', parameter: [{ name: 'a' }] },
  ],
  ['que-1', item({ type: 'group', item: [{ linkId: '2', type: 'string' }] }), item({ type: 'group' })],
  ['que-3', item({ type: 'display' }), item({ type: 'display', code: [{ code: 'a' }] })],
  [
    'que-4',
    item({ type: 'choice', answerValueSet: URL }),
    item({ type: 'choice', answerValueSet: URL, answerOption: [{ valueString: 'a' }] }),
  ],
  [
    'que-7',
    item({ enableWhen: [{ question: '1', operator: 'exists', answerBoolean: true }] }),
    item({ enableWhen: [{ question: '1', operator: 'exists', answerString: 'a' }] }),
  ],
  ['que-8', item({ initial: [{ valueString: 'a' }] }), item({ type: 'display', initial: [{ valueString: 'a' }] })],
  ['vsd-1', include({ system: URL }), include({ version: '1' })],
  ['vsd-2', include({ system: URL, concept: [{ code: 'a' }] }), include({ valueSet: [URL], concept: [{ code: 'a' }] })],
  [
    'vsd-3',
    include({ system: URL, concept: [{ code: 'a' }] }),
    include({ system: URL, concept: [{ code: 'a' }], filter: [{ property: 'a', op: '=', value: 'b' }] }),
  ],
];

describe('invariants of R4, from both sides', () => {
  test.each(RULES)('%s: the good one has no issue, the bad one is refused by this rule', (key, good, bad) => {
    expect(validateResource(JSON.parse(JSON.stringify(good)))).toEqual([]);
    const messages = validateResource(JSON.parse(JSON.stringify(bad))).map(({ code, message }) => `${code} ${message}`);
    expect(messages.filter((message) => message.startsWith('invariant') && message.includes(key))).toHaveLength(1);
  });
});
