import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConsentContext, type ConsentRecord, decideConsent, type SentConsent, whyNotActive } from './consent.ts';
import type { PayerNumbers } from './payer-identifiers.ts';

const REGULAR = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular';
const SENSITIVE = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#sensitive';
const npi = (value: string) => [{ system: 'http://hl7.org/fhir/sid/us-npi', value }];
const numbers = (npiValue: string): PayerNumbers => ({ npis: [npiValue], naics: [], payerIds: [], eins: [] });
const nobody: PayerNumbers = { npis: [], naics: [], payerIds: [], eins: [] };

function sent(change: Partial<SentConsent> = {}): SentConsent {
  return {
    status: 'active',
    provisionType: 'permit',
    restrictions: [],
    policies: [REGULAR],
    periodStart: '2026-01-01',
    periodEnd: '2026-12-31',
    recipients: [npi('1234567893')],
    sources: [npi('9876543213')],
    evidence: undefined,
    ...change,
  };
}
function context(change: Partial<ConsentContext> = {}): ConsentContext {
  return {
    now: new Date('2026-06-01T12:00:00Z'),
    timeZone: 'America/New_York',
    environment: 'production',
    caller: numbers('1234567893'),
    ownNumbers: numbers('9876543213'),
    blocked: false,
    sensitiveData: { holds: true, labels: true, releases: true },
    ...change,
  };
}
const code = (consent: Partial<SentConsent>, within: Partial<ConsentContext> = {}): string => {
  const decision = decideConsent(sent(consent), context(within));
  return decision.kind === 'accepted' ? 'accepted' : decision.code;
};

describe('each check has two sides (P2P-11, payer-to-payer.md 1.6)', () => {
  test('what is in order is accepted, with the policy and the period in the time zone of the plan', () => {
    expect(decideConsent(sent(), context())).toEqual({
      kind: 'accepted',
      policy: 'regular',
      startsAt: new Date('2026-01-01T05:00:00.000Z'),
      endsAt: new Date('2027-01-01T04:59:59.999Z'),
    });
  });

  test('1: status is active, the provision permits, nothing restricts it (P2P-12)', () => {
    for (const status of ['draft', 'proposed', 'rejected', 'inactive', 'entered-in-error', 'ACTIVE'])
      expect(code({ status })).toBe('consent-invalid');
    expect(code({ provisionType: 'deny' })).toBe('consent-invalid');
    expect(code({ restrictions: ['purpose'] })).toBe('consent-invalid');
  });

  test('2: the policy is one of the two of HRex, compared exactly, and there is exactly one', () => {
    expect(code({ policies: [SENSITIVE] })).toBe('accepted');
    expect(code({ policies: ['urn:other', REGULAR] })).toBe('accepted');
    expect(code({ policies: [REGULAR, SENSITIVE] })).toBe('consent-invalid');
    expect(code({ policies: [REGULAR, REGULAR] })).toBe('consent-invalid');
    expect(code({ policies: [REGULAR.toUpperCase()] })).toBe('consent-invalid');
    expect(code({ policies: [`${REGULAR} `] })).toBe('consent-invalid');
    expect(code({ policies: ['constructor'] })).toBe('consent-invalid');
  });

  test('3: the period is inclusive at both ends, in the time zone of the plan', () => {
    const at = (now: string): string =>
      code({ periodStart: '2026-06-01', periodEnd: '2026-06-01' }, { now: new Date(now) });
    expect(at('2026-06-01T03:59:59.999Z')).toBe('consent-not-yet-valid');
    expect(at('2026-06-01T04:00:00.000Z')).toBe('accepted');
    expect(at('2026-06-02T03:59:59.999Z')).toBe('accepted');
    expect(at('2026-06-02T04:00:00.000Z')).toBe('consent-expired');
    expect(code({ periodStart: '2026-06-02', periodEnd: '2026-06-01' })).toBe('consent-invalid');
  });

  test('4: a recipient that is named is the organization of the calling client', () => {
    expect(code({ recipients: [] })).toBe('accepted');
    expect(code({ recipients: [npi('1111111112'), npi('1234567893')] })).toBe('accepted');
    expect(code({ recipients: [npi('1111111112')] })).toBe('consent-recipient');
    expect(code({ recipients: [[]] })).toBe('consent-recipient');
  });

  test('4: without an organization the recipient cannot be checked: fine in a sandbox, refused in production', () => {
    for (const caller of [undefined, nobody]) {
      expect(code({}, { caller, environment: 'sandbox' })).toBe('accepted');
      expect(code({}, { caller, environment: 'production' })).toBe('consent-recipient');
      expect(code({ recipients: [] }, { caller, environment: 'production' })).toBe('accepted');
    }
  });

  test('4: NAIC, EIN and payer ids identify the organization too', () => {
    const caller = { npis: [], naics: ['12345'], payerIds: ['PAYER-7'], eins: ['12-3456789'] };
    const by = (system: string | undefined, value: string): string =>
      code({ recipients: [[{ system, value }]] }, { caller });
    expect(by('urn:oid:2.16.840.1.113883.4.4', '123456789')).toBe('accepted');
    expect(by('http://hl7.org/fhir/sid/us-naic', '12345')).toBe('accepted');
    expect(by('https://clearinghouse.example/payer-ids', 'payer-7')).toBe('accepted');
    expect(by(undefined, '12345')).toBe('accepted');
    expect(by('http://hl7.org/fhir/sid/us-npi', '12345')).toBe('consent-recipient');
  });

  test('5: a source that is named is this plan', () => {
    expect(code({ sources: [] })).toBe('accepted');
    expect(code({ sources: [npi('1111111112')] })).toBe('consent-source');
    expect(code({ sources: [npi('1111111112'), npi('9876543213')] })).toBe('accepted');
    expect(code({}, { ownNumbers: nobody, environment: 'sandbox', caller: undefined })).toBe('accepted');
    expect(code({}, { ownNumbers: nobody })).toBe('consent-source');
  });

  test('6: a block of the member overrides', () => {
    expect(code({}, { blocked: true })).toBe('consent-blocked');
  });

  test('7: the plan can honour the policy', () => {
    const stance = (holds: boolean, labels: boolean, releases: boolean) => ({
      sensitiveData: { holds, labels, releases },
    });
    expect(code({}, stance(true, false, true))).toBe('consent-constraint');
    expect(code({}, stance(false, false, true))).toBe('accepted');
    expect(code({ policies: [SENSITIVE] }, stance(true, false, true))).toBe('accepted');
    expect(code({ policies: [SENSITIVE] }, stance(true, true, false))).toBe('consent-constraint');
    expect(code({ policies: [SENSITIVE] }, stance(false, true, false))).toBe('accepted');
  });
});

test('the first failing check names the refusal (P2P-11): with the failures 1 to n all there, it is always the first', () => {
  const faults: { code: string; consent?: Partial<SentConsent>; within?: Partial<ConsentContext> }[] = [
    { code: 'consent-invalid', consent: { status: 'inactive' } },
    { code: 'consent-invalid', consent: { policies: [] } },
    { code: 'consent-expired', consent: { periodEnd: '2026-05-31' } },
    { code: 'consent-recipient', consent: { recipients: [npi('1111111112')] } },
    { code: 'consent-source', consent: { sources: [npi('1111111112')] } },
    { code: 'consent-blocked', within: { blocked: true } },
    { code: 'consent-constraint', within: { sensitiveData: { holds: true, labels: false, releases: false } } },
  ];
  fc.assert(
    fc.property(fc.subarray(faults, { minLength: 1 }), (chosen) => {
      const consent = Object.assign({}, ...chosen.map((fault) => fault.consent));
      const within = Object.assign({}, ...chosen.map((fault) => fault.within));
      expect(code(consent, within)).toBe(chosen[0]?.code);
    }),
  );
});

describe('an accepted consent over time', () => {
  const record: ConsentRecord = {
    policy: 'regular',
    startsAt: new Date('2026-01-01T05:00:00Z'),
    endsAt: new Date('2026-12-31T04:59:59.999Z'),
  };
  type Event =
    | { kind: 'block' }
    | { kind: 'unblock' }
    | { kind: 'wait'; days: number }
    | { kind: 'labels'; on: boolean };
  const event: fc.Arbitrary<Event> = fc.oneof(
    fc.constant<Event>({ kind: 'block' }),
    fc.constant<Event>({ kind: 'unblock' }),
    fc.record({ kind: fc.constant('wait' as const), days: fc.integer({ min: 0, max: 200 }) }),
    fc.record({ kind: fc.constant('labels' as const), on: fc.boolean() }),
  );

  test('no sequence of events makes a withdrawn consent active: while the block stands, and once the period is over', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let now = new Date('2026-02-01T00:00:00Z');
        let blocked = false;
        let labels = true;
        let ended = false;
        for (const next of events) {
          if (next.kind === 'block') blocked = true;
          if (next.kind === 'unblock') blocked = false;
          if (next.kind === 'labels') labels = next.on;
          if (next.kind === 'wait') now = new Date(now.getTime() + next.days * 86_400_000);
          const why = whyNotActive(record, { now, blocked, sensitiveData: { holds: true, labels, releases: true } });
          ended ||= why === 'consent-expired';
          if (blocked || ended || !labels) expect(why).toBeDefined();
          if (ended) expect(why).toBe('consent-expired');
          if (!blocked && labels && now <= record.endsAt) expect(why).toBeUndefined();
        }
      }),
    );
  });

  test('what the decision accepted is active at that moment, and only in its period', () => {
    expect(whyNotActive(record, context())).toBeUndefined();
    expect(whyNotActive(record, context({ now: new Date('2025-12-31T00:00:00Z') }))).toBe('consent-not-yet-valid');
    expect(whyNotActive(record, context({ now: new Date('2026-12-31T05:00:00Z') }))).toBe('consent-expired');
  });
});
