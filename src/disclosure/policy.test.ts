import { describe, expect, test } from 'vitest';
import { type DisclosureAccess, decideRelease, type PolicyRequest } from './policy.ts';

const NOW = new Date('2026-11-24T15:00:00Z');
const request = (more: Partial<PolicyRequest> = {}): PolicyRequest => ({
  accessType: 'payer-to-payer',
  consentPolicy: 'regular',
  now: NOW,
  tenant: { serviceDateYears: 5, timeZone: 'America/New_York' },
  ...more,
});
const reasonOf = (resource: Record<string, unknown>, more: Partial<PolicyRequest> = {}): string => {
  const decision = decideRelease(resource, request(more));
  return decision.release ? 'released' : decision.reason;
};

describe('P2P-65 one function decides what each access type gets (5.5)', () => {
  const claim = { resourceType: 'ExplanationOfBenefit', use: 'claim', item: [{ servicedDate: '2026-01-01' }] };
  const denied = {
    resourceType: 'ExplanationOfBenefit',
    use: 'preauthorization',
    status: 'active',
    outcome: 'error',
    created: '2026-10-01',
  };
  const rows: [string, Record<string, unknown>, Record<DisclosureAccess, string>][] = [
    [
      'a claim',
      claim,
      {
        'patient-access': 'full',
        'payer-to-payer': 'redacted',
        'provider-access': 'redacted',
        'payer-to-payer-member': 'type',
      },
    ],
    [
      'a coverage',
      { resourceType: 'Coverage' },
      {
        'patient-access': 'full',
        'payer-to-payer': 'redacted',
        'provider-access': 'redacted',
        'payer-to-payer-member': 'type',
      },
    ],
    [
      'a denied prior authorization',
      denied,
      {
        'patient-access': 'full',
        'payer-to-payer': 'denied-prior-authorization',
        'provider-access': 'redacted',
        'payer-to-payer-member': 'type',
      },
    ],
    [
      'an observation',
      { resourceType: 'Observation', effectiveDateTime: '2026-01-01' },
      {
        'patient-access': 'full',
        'payer-to-payer': 'redacted',
        'provider-access': 'redacted',
        'payer-to-payer-member': 'full',
      },
    ],
    ...['Claim', 'ClaimResponse', 'Binary', 'PaymentNotice', 'InsurancePlan', 'Account', 'Invoice'].map(
      (type): [string, Record<string, unknown>, Record<DisclosureAccess, string>] => [
        type,
        { resourceType: type },
        {
          'patient-access': 'type',
          'payer-to-payer': 'type',
          'provider-access': 'type',
          'payer-to-payer-member': 'type',
        },
      ],
    ),
  ];
  test.each(rows)('%s', (_name, resource, expected) => {
    for (const [accessType, outcome] of Object.entries(expected)) {
      const decision = decideRelease(resource, request({ accessType: accessType as DisclosureAccess }));
      expect(decision.release ? (decision.redact ? 'redacted' : 'full') : decision.reason, accessType).toBe(outcome);
    }
  });
});

describe('P2P-56 P2P-68 the window of service dates: five years back, whenever the row was written', () => {
  const recent = '2021-11-24';
  const old = '2021-11-23';
  test.each<[string, (day: string) => Record<string, unknown>]>([
    [
      'the latest line of a claim',
      (day) => ({
        resourceType: 'ExplanationOfBenefit',
        use: 'claim',
        item: [{ servicedDate: '2019-01-01' }, { servicedPeriod: { start: '2019-01-01', end: day } }],
      }),
    ],
    [
      'the billable period of a claim without dated lines',
      (day) => ({
        resourceType: 'ExplanationOfBenefit',
        use: 'claim',
        item: [{}],
        billablePeriod: { start: '2019-01-01', end: day },
      }),
    ],
    ['the end of an encounter', (day) => ({ resourceType: 'Encounter', period: { start: '2019-01-01', end: day } })],
    ['an observation', (day) => ({ resourceType: 'Observation', effectiveDateTime: `${day}T10:00:00Z` })],
    ['a procedure', (day) => ({ resourceType: 'Procedure', performedPeriod: { start: '2019-01-01', end: day } })],
    ['an immunization', (day) => ({ resourceType: 'Immunization', occurrenceDateTime: day })],
    ['a prescription', (day) => ({ resourceType: 'MedicationRequest', authoredOn: day })],
    ['a dispense', (day) => ({ resourceType: 'MedicationDispense', whenHandedOver: day })],
    [
      'a resolved condition',
      (day) => ({
        resourceType: 'Condition',
        clinicalStatus: { coding: [{ code: 'resolved' }] },
        onsetDateTime: '2010-01-01',
        abatementDateTime: day,
      }),
    ],
    [
      'a document',
      (day) => ({ resourceType: 'DocumentReference', date: '2026-01-01T00:00:00Z', context: { period: { end: day } } }),
    ],
    ['a specimen', (day) => ({ resourceType: 'Specimen', collection: { collectedDateTime: day } })],
  ])('%s', (_name, made) => {
    const touched = { meta: { lastUpdated: '2026-11-23T00:00:00Z' } };
    expect(reasonOf({ ...made(recent), ...touched })).toBe('released');
    expect(reasonOf({ ...made(old), ...touched })).toBe('window');
    expect(reasonOf(made(old), { tenant: { serviceDateYears: 6, timeZone: 'America/New_York' } })).toBe('released');
  });

  test('undated and lasting data leave, however old', () => {
    for (const resource of [
      { resourceType: 'Observation' },
      { resourceType: 'Encounter', period: { start: '2001-01-01' } },
      { resourceType: 'Condition', clinicalStatus: { coding: [{ code: 'active' }] }, onsetDateTime: '1999-01-01' },
      { resourceType: 'AllergyIntolerance', recordedDate: '1999-01-01' },
      { resourceType: 'Patient', birthDate: '1950-10-19' },
      { resourceType: 'Organization' },
    ])
      expect(reasonOf(resource), resource.resourceType).toBe('released');
  });

  test('the window begins with a day of the plan’s calendar, in leap years too', () => {
    const on = (now: string, day: string) =>
      reasonOf({ resourceType: 'Immunization', occurrenceDateTime: day }, { now: new Date(now) });
    // 03:00 UTC is still the day before in New York.
    expect(on('2026-11-24T03:00:00Z', '2021-11-23')).toBe('released');
    expect(on('2026-11-24T06:00:00Z', '2021-11-23')).toBe('window');
    expect(on('2028-02-29T15:00:00Z', '2023-02-28')).toBe('released');
    expect(on('2028-02-29T15:00:00Z', '2023-02-27')).toBe('window');
    expect(on('2026-11-24T15:00:00Z', '2021')).toBe('released');
  });
});

describe('P2P-63 sensitive data', () => {
  const labelled = (system: string, code: string) => ({
    resourceType: 'Observation',
    effectiveDateTime: '2026-01-01',
    meta: { security: [{ system, code }] },
  });
  test.each([
    ['http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'R'],
    ['http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'V'],
    ['http://terminology.hl7.org/CodeSystem/v3-ActCode', 'HIV'],
    ['http://terminology.hl7.org/CodeSystem/v3-ActCode', '42CFRPart2'],
  ])('%s %s stays under #regular and leaves under #sensitive', (system, code) => {
    expect(reasonOf(labelled(system, code))).toBe('sensitive');
    expect(reasonOf(labelled(system, code), { consentPolicy: 'sensitive' })).toBe('released');
  });
  test('a normal label, and a code of another system, keep nothing back', () => {
    expect(reasonOf(labelled('http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'N'))).toBe('released');
    expect(reasonOf(labelled('urn:other', 'R'))).toBe('released');
  });
});

describe('P2P-57 P2P-58 prior authorizations', () => {
  const REVIEW = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-reviewActionCode';
  const action = (code: string) => ({
    extension: [
      { url: 'http://example.org/review', extension: [{ url: REVIEW, valueCodeableConcept: { coding: [{ code }] } }] },
    ],
  });
  const authorization = (more: object = {}) => ({
    resourceType: 'ExplanationOfBenefit',
    use: 'preauthorization',
    status: 'active',
    outcome: 'complete',
    created: '2026-06-01',
    item: [{ adjudication: [action('A1')] }],
    ...more,
  });
  const created = (daysAgo: number) => ({
    status: 'cancelled',
    created: new Date(NOW.getTime() - daysAgo * 86_400_000).toISOString(),
  });

  test('granted, pending and partly granted ones leave; denied ones and those for drugs stay', () => {
    expect(reasonOf(authorization())).toBe('released');
    expect(reasonOf(authorization({ outcome: 'queued', created: '2020-01-01' }))).toBe('released');
    expect(reasonOf(authorization({ item: [{ adjudication: [action('A3')] }] }))).toBe('denied-prior-authorization');
    expect(
      reasonOf(authorization({ item: [{ adjudication: [action('A3')] }, { adjudication: [action('A1')] }] })),
    ).toBe('released');
    expect(reasonOf(authorization({ item: [{ adjudication: [action('A3'), action('A1')] }] })), 'overturned').toBe(
      'released',
    );
    expect(
      reasonOf(
        authorization({
          item: [{ productOrService: { coding: [{ system: 'http://hl7.org/fhir/sid/ndc', code: '1' }] } }],
        }),
      ),
    ).toBe('drug-prior-authorization');
    expect(reasonOf(authorization({ type: { coding: [{ code: 'pharmacy' }] } }))).toBe('drug-prior-authorization');
  });

  test('a closed one leaves for a year after its last change, one in effect as long as it is', () => {
    expect(reasonOf(authorization(created(364)))).toBe('released');
    expect(reasonOf(authorization(created(365)))).toBe('released');
    expect(reasonOf(authorization(created(366)))).toBe('stale-prior-authorization');
    expect(
      reasonOf(
        authorization({ created: '2020-01-01', preAuthRefPeriod: [{ start: '2020-01-01', end: '2026-12-31' }] }),
      ),
    ).toBe('released');
  });
});
