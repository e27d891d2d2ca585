import { describe, expect, test } from 'vitest';
import { type DisclosureAccess, decideRelease, type PolicyRequest } from './policy.ts';
import { supportingReferencesOf } from './prior-authorization.ts';

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
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

  const decided = (codes: readonly (readonly [action: string, on: string])[]) =>
    codes.map(([code, on]) => ({
      extension: [
        ...action(code).extension,
        {
          url: 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/base-ext-when-adjudicated',
          valueDateTime: on,
        },
      ],
    }));

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

  test('the year is one of the plan’s calendar: the last decision counts, not the request and not the stamp of the record', () => {
    const closed = (on: string, more: object = {}) =>
      authorization({
        status: 'cancelled',
        created: '2019-01-01',
        item: [{ adjudication: decided([['A1', on]]) }],
        ...more,
      });
    expect(reasonOf(closed('2025-11-24'))).toBe('released');
    expect(reasonOf(closed('2025-11-23'))).toBe('stale-prior-authorization');
    // 03:00 UTC is still the day before in New York.
    expect(reasonOf(closed('2025-11-24T03:00:00Z'))).toBe('stale-prior-authorization');
    expect(reasonOf(closed('2025-11-24T06:00:00Z'))).toBe('released');
    const stamped = { meta: { lastUpdated: '2026-11-23T00:00:00Z' } };
    expect(reasonOf(closed('2025-11-23', stamped))).toBe('stale-prior-authorization');
    expect(reasonOf(authorization({ ...created(366), ...stamped }))).toBe('stale-prior-authorization');
    const leap = { now: new Date('2028-03-01T15:00:00Z') };
    expect(reasonOf(closed('2027-03-01'), leap)).toBe('released');
    expect(reasonOf(closed('2027-02-28'), leap)).toBe('stale-prior-authorization');
  });

  test('a period that ended yesterday is none in effect; one that ends today is', () => {
    const until = (end: string) =>
      authorization({ created: '2020-01-01', preAuthRefPeriod: [{ start: '2020-01-01', end }] });
    expect(reasonOf(until('2026-11-24'))).toBe('released');
    expect(reasonOf(until('2026-11-23'))).toBe('stale-prior-authorization');
  });

  test('of several decisions the latest by its date counts, wherever it stands', () => {
    const line = (...decisions: (readonly [string, string])[]) =>
      authorization({ item: [{ adjudication: decided(decisions) }] });
    expect(reasonOf(line(['A1', '2026-05-01'], ['A3', '2026-04-01'])), 'overturned').toBe('released');
    expect(reasonOf(line(['A1', '2026-04-01'], ['A3', '2026-05-01'])), 'taken back').toBe('denied-prior-authorization');
  });

  test('drugs by HCPCS: injections and biosimilars; equipment is none', () => {
    const asked = (code: string) =>
      authorization({ item: [{ productOrService: { coding: [{ system: 'https://www.cms.gov/hcpcs', code }] } }] });
    expect(reasonOf(asked('J0897'))).toBe('drug-prior-authorization');
    expect(reasonOf(asked('Q5103'))).toBe('drug-prior-authorization');
    expect(reasonOf(asked('E0601'))).toBe('released');
  });

  test('a predetermination is neither a claim nor an authorization: it stays', () => {
    expect(reasonOf(authorization({ use: 'predetermination' }))).toBe('type');
  });

  test('what was sent along with one that leaves goes with it, whatever its date; the same document alone does not', () => {
    const info = (reference: string) => ({ sequence: 1, valueReference: { reference } });
    const supported = authorization({
      supportingInfo: [info('DocumentReference/old'), info('DocumentReference/v/_history/2'), info('urn:uuid:x')],
    });
    expect(supportingReferencesOf(supported)).toEqual(['DocumentReference/old', 'DocumentReference/v']);
    expect(supportingReferencesOf({ ...supported, use: 'claim' })).toEqual([]);
    const document = { resourceType: 'DocumentReference', id: 'old', date: '2015-01-01T00:00:00Z' };
    expect(reasonOf(document)).toBe('window');
    expect(reasonOf(document, { supporting: new Set(['DocumentReference/old']) })).toBe('released');
    expect(reasonOf(document, { supporting: new Set(['Observation/old']) })).toBe('window');
    const secret = { ...document, meta: { security: [{ system: CONFIDENTIALITY, code: 'R' }] } };
    expect(reasonOf(secret, { supporting: new Set(['DocumentReference/old']) })).toBe('sensitive');
  });
});

test('PA-101 what a member’s app may read does not age: claims and visits since 2016-01-01 are released whole', () => {
  for (const day of ['2016-01-01', '2020-06-30', '2026-11-24']) {
    const claim = { resourceType: 'ExplanationOfBenefit', use: 'claim', item: [{ servicedDate: day }] };
    const visit = { resourceType: 'Encounter', period: { start: day, end: day } };
    for (const resource of [claim, visit])
      expect(decideRelease(resource, request({ accessType: 'patient-access' })), day).toEqual({
        release: true,
        redact: false,
      });
  }
  // Between payers five years are the window.
  const old = { resourceType: 'ExplanationOfBenefit', use: 'claim', item: [{ servicedDate: '2016-01-01' }] };
  expect(reasonOf(old)).toBe('window');
});
