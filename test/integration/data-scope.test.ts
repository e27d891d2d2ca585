import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DisclosureAccess, decideRelease } from '#/disclosure/policy.ts';
import { settingsOf } from '#/tenants/settings.ts';
import {
  download,
  exportAll,
  finished,
  kickOff,
  memberRecord,
  type Resource,
  sharedResources,
} from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';
import { redactText } from '../support/redact-text.ts';

const payer = caller('bison', 'payer-one');
let world: ExportWorld;

beforeAll(async () => {
  world = await startExportWorld();
  await world.store('bison', sharedResources());
});
afterAll(() => world.stop());

const DAY_MS = 86_400_000;
/** The day on which exports of this file run, in the zone of the plan. */
const today = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/New_York' }).format(new Date());
const daysAgo = (days: number): string => new Date(Date.parse(today) - days * DAY_MS).toISOString().slice(0, 10);
/** The same day some years ago; 29 February goes to 28. */
function yearsAgo(years: number): string {
  const day = `${Number(today.slice(0, 4)) - years}${today.slice(4)}`;
  return Number.isNaN(Date.parse(day)) || new Date(day).toISOString().slice(0, 10) !== day
    ? `${day.slice(0, 8)}28`
    : day;
}
const dayBefore = (day: string): string => new Date(Date.parse(day) - DAY_MS).toISOString().slice(0, 10);

const REVIEW = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-reviewActionCode';
const WHEN = 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/base-ext-when-adjudicated';
const decision = (action: string, on: string) => ({
  extension: [
    { url: 'urn:review', extension: [{ url: REVIEW, valueCodeableConcept: { coding: [{ code: action }] } }] },
    { url: WHEN, valueDateTime: on },
  ],
  category: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/adjudication', code: 'submitted' }] },
  amount: { value: 890, currency: 'USD' },
});
const authorization = (member: string, id: string, decisions: readonly object[], more: object = {}): Resource => ({
  resourceType: 'ExplanationOfBenefit',
  id: `${member}-${id}`,
  status: 'active',
  use: 'preauthorization',
  type: { coding: [{ code: 'professional' }] },
  patient: { reference: `Patient/${member}` },
  created: '2019-01-01',
  insurer: { display: 'Plan' },
  provider: { display: 'Clinic' },
  outcome: 'complete',
  insurance: [{ focal: true, coverage: { display: 'c' } }],
  item: [{ sequence: 1, productOrService: { coding: [{ code: 'E0601' }] }, adjudication: decisions }],
  ...more,
});
const document = (member: string, id: string, date: string): Resource => ({
  resourceType: 'DocumentReference',
  id: `${member}-${id}`,
  status: 'current',
  subject: { reference: `Patient/${member}` },
  date: `${date}T10:00:00Z`,
  content: [{ attachment: { contentType: 'text/plain', data: 'bGV0dGVy' } }],
});
const idsOf = (resources: readonly Resource[], member: string): string[] =>
  resources.flatMap(({ id }) => (id.startsWith(`${member}-`) ? [id.slice(member.length + 1)] : [])).sort();
async function exported(member: string, query = ''): Promise<Resource[]> {
  const group = await world.group('bison', 'payer-one', [member]);
  return (await exportAll(world, 'bison', payer, group, query)).resources;
}

describe('P2P-65 access types × data blocks (payer-to-payer.md 5.5)', () => {
  const member = 'table';
  const patient = { reference: `Patient/${member}` };
  const record = memberRecord(member, { years: 1 }).resources;
  const claim = record.find(({ resourceType }) => resourceType === 'ExplanationOfBenefit')!;
  const blocks: Readonly<Record<string, Resource>> = {
    'EOB claim': claim,
    'EOB PA, granted': authorization(member, 'granted', [decision('A1', daysAgo(10))]),
    'EOB PA, denied': authorization(member, 'denied', [decision('A3', daysAgo(10))]),
    'EOB PA, for a drug': authorization(member, 'drug', [decision('A1', daysAgo(10))], {
      item: [{ sequence: 1, productOrService: { coding: [{ code: 'J0897' }] } }],
    }),
    'EOB predetermination': { ...claim, id: `${member}-guess`, use: 'predetermination' },
    Coverage: record.find(({ resourceType }) => resourceType === 'Coverage')!,
    Patient: record[0]!,
    'Clinical: Observation': record.find(({ resourceType }) => resourceType === 'Observation')!,
    'Clinical: Encounter': record.find(({ resourceType }) => resourceType === 'Encounter')!,
    'Clinical: DocumentReference': document(member, 'doc', daysAgo(20)),
    Claim: { resourceType: 'Claim', id: `${member}-raw`, patient, use: 'claim' },
    ClaimResponse: { resourceType: 'ClaimResponse', id: `${member}-answer`, patient, use: 'claim' },
    Account: { resourceType: 'Account', id: `${member}-account`, status: 'active', subject: [patient] },
    ChargeItem: { resourceType: 'ChargeItem', id: `${member}-charge`, subject: patient },
    Invoice: { resourceType: 'Invoice', id: `${member}-invoice`, subject: patient },
    Binary: { resourceType: 'Binary', id: `${member}-binary`, contentType: 'text/plain' },
  };
  type Answer = 'with money' | 'without money' | 'no';
  const everyone = (answer: Answer): Record<DisclosureAccess, Answer> => ({
    'patient-access': answer === 'without money' ? 'with money' : answer,
    'payer-to-payer': answer,
    'payer-to-payer-member': answer,
    'provider-access': answer,
  });
  const medical = everyone('without money');
  const payerOnly = { ...medical, 'payer-to-payer-member': 'no' as const };
  const table: Readonly<Record<keyof typeof blocks, Record<DisclosureAccess, Answer>>> = {
    'EOB claim': payerOnly,
    'EOB PA, granted': payerOnly,
    'EOB PA, denied': { ...payerOnly, 'payer-to-payer': 'no' },
    'EOB PA, for a drug': { ...payerOnly, 'payer-to-payer': 'no', 'provider-access': 'no' },
    'EOB predetermination': { ...payerOnly, 'payer-to-payer': 'no', 'provider-access': 'no' },
    Coverage: payerOnly,
    Patient: medical,
    'Clinical: Observation': medical,
    'Clinical: Encounter': medical,
    'Clinical: DocumentReference': medical,
    Claim: everyone('no'),
    ClaimResponse: everyone('no'),
    Account: everyone('no'),
    ChargeItem: everyone('no'),
    Invoice: everyone('no'),
    Binary: everyone('no'),
  };
  const holdsMoney = (text: string): boolean => /"currency"|"value":100\.5|costToBeneficiary/.test(text);

  test.each(Object.keys(table))('the policy: %s', (block) => {
    const resource = blocks[block]!;
    for (const [accessType, answer] of Object.entries(table[block]!) as [DisclosureAccess, Answer][]) {
      const tenant = settingsOf('production', {});
      const decision = decideRelease(resource, { accessType, consentPolicy: 'regular', now: new Date(), tenant });
      expect(decision.release, accessType).toBe(answer !== 'no');
      if (!decision.release) continue;
      const text = JSON.stringify(resource);
      const sent = decision.redact ? redactText(text, tenant) : text;
      if (answer === 'without money') expect(holdsMoney(sent), accessType).toBe(false);
      else expect(holdsMoney(sent), accessType).toBe(holdsMoney(text));
    }
  });

  test('payer-to-payer through HTTP, both flavours', async () => {
    await world.store('bison', Object.values(blocks));
    const group = await world.group('bison', 'payer-one', [member]);
    const manifest = await finished(
      await kickOff(world, 'bison', payer, group, { headers: { prefer: 'respond-async' } }),
      payer,
    );
    const standard = await download(manifest, payer);
    for (const resources of [standard, (await exportAll(world, 'bison', payer, group)).resources]) {
      const sent = new Map(resources.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
      for (const [block, { resourceType, id }] of Object.entries(blocks)) {
        const found = sent.get(`${resourceType}/${id}`);
        expect(found !== undefined, block).toBe(table[block]!['payer-to-payer'] !== 'no');
        if (found) expect(holdsMoney(JSON.stringify(found)), block).toBe(false);
      }
    }
  });
});

describe('P2P-56 P2P-68 five years by the date of service, through HTTP', () => {
  const first = yearsAgo(5);
  const subject = (member: string) => ({ reference: `Patient/${member}` });
  const resolved = { coding: [{ code: 'resolved' }] };
  const active = { coding: [{ code: 'active' }] };
  /** By type, with the date that counts; every other date of it lies on the other side. */
  const dated: Readonly<Record<string, (day: string, member: string) => object>> = {
    ExplanationOfBenefit: (day, member) => ({
      ...memberRecord(member, { years: 1 }).resources.find(
        ({ resourceType }) => resourceType === 'ExplanationOfBenefit',
      ),
      created: today,
      billablePeriod: { start: '2000-01-01', end: today },
      item: [
        { sequence: 1, servicedDate: '2000-01-01', productOrService: { text: 'x' } },
        { sequence: 2, servicedPeriod: { start: '2000-01-01', end: day }, productOrService: { text: 'x' } },
      ],
    }),
    Encounter: (day) => ({ status: 'finished', class: { code: 'AMB' }, period: { start: '2000-01-01', end: day } }),
    CarePlan: (day) => ({
      status: 'completed',
      intent: 'plan',
      created: today,
      period: { start: '2000-01-01', end: day },
    }),
    CareTeam: (day) => ({ status: 'inactive', period: { start: '2000-01-01', end: day } }),
    Goal: (day) => ({
      lifecycleStatus: 'completed',
      description: { text: 'x' },
      startDate: '2000-01-01',
      target: [{ dueDate: day }],
    }),
    Observation: (day) => ({
      status: 'final',
      code: { text: 'x' },
      effectiveDateTime: day,
      issued: `${today}T00:00:00Z`,
    }),
    DiagnosticReport: (day) => ({
      status: 'final',
      code: { text: 'x' },
      effectivePeriod: { start: '2000-01-01', end: day },
    }),
    Procedure: (day) => ({ status: 'completed', code: { text: 'x' }, performedDateTime: day }),
    Immunization: (day) => ({
      status: 'completed',
      vaccineCode: { text: 'x' },
      occurrenceDateTime: day,
      recorded: today,
    }),
    MedicationRequest: (day) => ({
      status: 'active',
      intent: 'order',
      medicationCodeableConcept: { text: 'x' },
      authoredOn: day,
    }),
    MedicationDispense: (day) => ({
      status: 'completed',
      medicationCodeableConcept: { text: 'x' },
      whenHandedOver: day,
      whenPrepared: '2000-01-01',
    }),
    Condition: (day) => ({
      clinicalStatus: resolved,
      code: { text: 'x' },
      onsetDateTime: '2000-01-01',
      abatementDateTime: day,
      recordedDate: '2000-01-01',
    }),
    AllergyIntolerance: (day) => ({ clinicalStatus: resolved, onsetDateTime: day, recordedDate: today }),
    DocumentReference: (day) => ({
      status: 'current',
      content: [{ attachment: { url: 'urn:x' } }],
      date: `${today}T00:00:00Z`,
      context: { period: { start: '2000-01-01', end: day } },
    }),
    Specimen: (day) => ({ collection: { collectedDateTime: day }, receivedTime: today }),
    ServiceRequest: (day) => ({ status: 'active', intent: 'order', code: { text: 'x' }, authoredOn: day }),
    QuestionnaireResponse: (day) => ({ status: 'completed', authored: day }),
    Device: (day) => ({ status: 'inactive', expirationDate: day }),
  };
  const ownerElement = (type: string): string =>
    ['ExplanationOfBenefit', 'AllergyIntolerance', 'Immunization', 'Device'].includes(type) ? 'patient' : 'subject';
  const made = (type: string, id: string, member: string, day: string): Resource => ({
    resourceType: type,
    ...dated[type]!(day, member),
    [ownerElement(type)]: subject(member),
    id: `${member}-${id}-${type}`,
    meta: { lastUpdated: new Date(Date.now() - DAY_MS).toISOString() },
  });

  test('each type on the first day of the window and on the day before it, all touched yesterday', async () => {
    const member = 'window';
    const types = Object.keys(dated);
    await world.store('bison', [
      memberRecord(member, { years: 0 }).resources[0]!,
      ...types.flatMap((type) => [made(type, 'in', member, first), made(type, 'out', member, dayBefore(first))]),
    ]);
    expect(idsOf(await exported(member), member)).toEqual(types.map((type) => `in-${type}`).sort());
  });

  test('_since opens no older window and is not rewritten: an old record written just now stays, a new one leaves', async () => {
    const member = 'touched';
    await world.store('bison', memberRecord(member, { years: 0 }).resources.slice(0, 1));
    const group = await world.group('bison', 'payer-one', [member]);
    await world.store('bison', [
      made('Observation', 'old', member, dayBefore(first)),
      made('Observation', 'new', member, first),
    ]);
    const { manifest, resources } = await exportAll(world, 'bison', payer, group, '?_since=2001-01-01T00:00:00Z');
    expect(idsOf(resources, member)).toEqual(['new-Observation']);
    expect(manifest.request).toMatch(/_since=2001-01-01T00:00:00Z$/);
  });

  test('undated and lasting data leave, however old; a plan that widens its window sends more', async () => {
    const member = 'lasting';
    const lasting: Resource[] = [
      {
        resourceType: 'Condition',
        id: `${member}-active`,
        clinicalStatus: active,
        code: { text: 'x' },
        onsetDateTime: '1999-01-01',
        subject: subject(member),
      },
      {
        resourceType: 'Encounter',
        id: `${member}-open`,
        status: 'in-progress',
        class: { code: 'AMB' },
        period: { start: '1999-01-01' },
        subject: subject(member),
      },
      {
        resourceType: 'Observation',
        id: `${member}-undated`,
        status: 'final',
        code: { text: 'x' },
        subject: subject(member),
      },
      {
        resourceType: 'Device',
        id: `${member}-worn`,
        status: 'active',
        manufactureDate: '1999-01-01',
        patient: subject(member),
      },
    ];
    const older = made('Observation', 'older', member, dayBefore(first));
    await world.store('bison', [memberRecord(member, { years: 0 }).resources[0]!, ...lasting, older]);
    const usual = ['active', 'open', 'undated', 'worn'];
    expect(idsOf(await exported(member), member)).toEqual(usual);
    const { owner } = world.db.database;
    const widen = (settings: string) => owner.query("update tenant set settings = $1 where slug = 'bison'", [settings]);
    const before = await owner.query("select settings from tenant where slug = 'bison'");
    try {
      await widen('{"serviceDateYears":6}');
      world.deps.tenants.forget();
      expect(idsOf(await exported(member), member)).toEqual([...usual, 'older-Observation'].sort());
    } finally {
      await widen(JSON.stringify(before.rows[0].settings));
      world.deps.tenants.forget();
    }
  });
});

describe('P2P-57 P2P-58 prior authorizations, through HTTP', () => {
  test('a closed one leaves on the 364th and 365th day after its decision, not on the 366th; pending ones and overturned denials leave', async () => {
    const member = 'asked';
    const leap = Date.parse(today) - Date.parse(yearsAgo(1)) === 366 * DAY_MS ? 1 : 0;
    const closed = { status: 'cancelled', meta: { lastUpdated: new Date(Date.now() - DAY_MS).toISOString() } };
    await world.store('bison', [
      memberRecord(member, { years: 0 }).resources[0]!,
      ...[364, 365, 366].map((days) =>
        authorization(member, `d${days}`, [decision('A1', daysAgo(days + leap))], closed),
      ),
      authorization(member, 'denied', [decision('A3', daysAgo(3))]),
      authorization(member, 'overturned', [decision('A3', daysAgo(30)), decision('A1', daysAgo(3))]),
      authorization(member, 'pending', [decision('A4', daysAgo(500))]),
      authorization(member, 'in-effect', [decision('A1', daysAgo(900))], {
        preAuthRefPeriod: [{ start: daysAgo(900), end: daysAgo(-10) }],
      }),
      authorization(member, 'drug', [decision('A1', daysAgo(3))], { type: { coding: [{ code: 'pharmacy' }] } }),
    ]);
    expect(idsOf(await exported(member), member)).toEqual(['d364', 'd365', 'in-effect', 'overturned', 'pending']);
  });

  test('what was sent along leaves with it, older than the window too; with one that stays behind it does not', async () => {
    const member = 'letters';
    const info = (id: string) => ({
      supportingInfo: [
        { sequence: 1, category: { text: 'x' }, valueReference: { reference: `DocumentReference/${member}-${id}` } },
      ],
    });
    await world.store('bison', [
      memberRecord(member, { years: 0 }).resources[0]!,
      authorization(member, 'granted', [decision('A1', daysAgo(3))], info('letter')),
      authorization(member, 'denied', [decision('A3', daysAgo(3))], info('refused')),
      document(member, 'letter', '2010-05-01'),
      document(member, 'refused', '2010-05-01'),
      document(member, 'other', '2010-05-01'),
    ]);
    expect(idsOf(await exported(member), member)).toEqual(['granted', 'letter']);
  });
});
