import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { P2P_EXPORT_GROUP, P2P_OUTCOME_CODES } from '#/fhir/our-canonicals.ts';
import { validateResource } from '#/fhir/validate/validate.ts';
import { type MatchWorld, startMatchWorld } from '../support/match-world.ts';
import { sharedData, sharedDataPresent } from '../support/shared-data.ts';

let world: MatchWorld;
const MB = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MB' }] };
const REGULAR = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular';
const OWN_NPI = '9876543213';
const PAYER_NPI = '1234567893';
const npi = (value: string) => ({ identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value } });

beforeAll(async () => {
  world = await startMatchWorld();
  const ids = { npi: OWN_NPI, memberIdSystems: ['https://plan.example/ids'] };
  await world.db.tenant('bison', 'sandbox', ids);
  await world.db.tenant('plan', 'production', ids);
  await world.db.tenant('unlabelled', 'sandbox', { labelsSensitiveData: false });
  world.tenants.forget();
  world.payer('alpha', { id: 'org-1', npis: [PAYER_NPI], naics: [], payerIds: [], eins: [] });
  world.payer('beta');
  for (const slug of ['bison', 'plan', 'unlabelled'])
    await world.write(
      slug,
      person('jay', 'Young', 'Jay', '2001-03-11', { gender: 'male' }),
      coverage('jay-c', 'jay', {
        identifier: [{ type: MB, system: 'https://plan.example/ids', value: '17148123-47da-43a0-8401-8d5d1368db02' }],
      }),
      person('twin1', 'Gemini', 'Alex', '1990-05-05'),
      person('twin2', 'Gemini', 'Alex', '1990-05-05'),
      coverage('twin1-c', 'twin1', { subscriberId: 'FAM-9' }),
      coverage('twin2-c', 'twin2', { subscriberId: 'FAM-9' }),
    );
});
afterAll(() => world.stop());

function person(id: string, family: string, given: string, birthDate: string, more: object = {}) {
  return { resourceType: 'Patient', id, name: [{ family, given: [given] }], birthDate, ...more };
}
function coverage(id: string, of: string, more: object = {}) {
  return {
    resourceType: 'Coverage',
    id,
    status: 'cancelled',
    beneficiary: { reference: `Patient/${of}` },
    payor: [{ display: 'plan' }],
    ...more,
  };
}

/** A request good enough for the strict reading. */
function request(
  change: {
    MemberPatient?: object;
    CoverageToMatch?: object;
    CoverageToLink?: object;
    Consent?: object;
    provision?: object;
  } = {},
) {
  const resources: Record<string, any> = {
    MemberPatient: {
      resourceType: 'Patient',
      id: '1',
      name: [{ family: 'Young', given: ['Jay'] }],
      gender: 'male',
      birthDate: '2001-03-11',
      ...change.MemberPatient,
    },
    CoverageToMatch: {
      resourceType: 'Coverage',
      identifier: [{ type: MB, system: 'https://plan.example/ids', value: '17148123-47da-43a0-8401-8d5d1368db02' }],
      status: 'active',
      beneficiary: { reference: 'Patient/1' },
      relationship: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/subscriber-relationship', code: 'self' }],
      },
      payor: [npi(OWN_NPI)],
      ...change.CoverageToMatch,
    },
    Consent: {
      resourceType: 'Consent',
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IDSCL' }] }],
      patient: { reference: 'Patient/1' },
      performer: [{ reference: 'Patient/1' }],
      sourceReference: { reference: 'http://example.org/DocumentReference/signed' },
      policy: [{ uri: REGULAR }],
      provision: {
        type: 'permit',
        period: { start: '2026-01-01', end: '2026-12-31' },
        actor: [
          {
            role: {
              coding: [
                { system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'performer' },
              ],
            },
            reference: npi(OWN_NPI),
          },
          {
            role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
            reference: npi(PAYER_NPI),
          },
        ],
        action: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentaction', code: 'disclose' }] }],
        ...change.provision,
      },
      ...change.Consent,
    },
    ...(change.CoverageToLink ? { CoverageToLink: change.CoverageToLink } : {}),
  };
  return {
    resourceType: 'Parameters',
    parameter: Object.entries(resources).map(([name, resource]) => ({ name, resource })),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
  readonly text: string;
}
async function post(
  path: string,
  body: unknown,
  options: { client?: string; headers?: Record<string, string>; method?: string } = {},
): Promise<Answer> {
  const method = options.method ?? 'POST';
  const response = await fetch(`${world.baseUrl}/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${options.client ?? 'alpha'}`,
      'content-type': 'application/fhir+json',
      ...options.headers,
    },
    ...(method === 'GET'
      ? {}
      : { body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text), text };
}
const STANDARD = 'bison/r4/Patient/$member-match';
const FOUNDING = 'bison/member-match/$member-match';
const SANDBOX = 'bison/member-match-sandbox/$member-match';
const match = (body: unknown, options: Parameters<typeof post>[2] = {}) => post(STANDARD, body, options);
const parameter = (answer: Answer, name: string) => answer.body.parameter.find((one: any) => one.name === name);
const umbOf = (answer: Answer) => parameter(answer, 'MemberIdentifier').valueIdentifier.value;
const groupOf = (answer: Answer) =>
  parameter(answer, 'groupId')?.valueString ??
  parameter(answer, 'MemberIdentifier').extension[0].valueReference.reference.slice('Group/'.length);
const outcome = (code: string, coding: string, text: string, expression?: string) => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'error',
      code,
      details: { coding: [{ system: P2P_OUTCOME_CODES, code: coding }], text },
      ...(expression === undefined ? {} : { expression: [expression] }),
    },
  ],
});
async function rows(sql: string, slug = 'bison'): Promise<any[]> {
  const tenant = await world.tenants.bySlug(slug);
  return (await world.db.database.tenant(tenant!.id).query(sql)).rows;
}

describe('a match', () => {
  test('the two founding addresses and the standard one decide alike, under both names of the base and with an escaped dollar sign (P2P-1)', async () => {
    const body = request();
    const paths = [
      STANDARD,
      FOUNDING,
      SANDBOX,
      'bison/bulk-data/r4/Patient/$member-match',
      'bison/r4/Patient/%24member-match',
    ];
    const answers = await Promise.all(paths.map((path) => post(path, body)));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
    expect(new Set(answers.map(umbOf)).size).toBe(1);
    expect(new Set(answers.map(groupOf)).size).toBe(1);
    const wrong = request({ MemberPatient: { birthDate: '2001-03-12' } });
    const refusals = await Promise.all(paths.map((path) => post(path, wrong)));
    expect(new Set(refusals.map((answer) => `${answer.status} ${answer.text}`)).size).toBe(1);
  });

  test('the standard answer is the HRex output: UMB, MemberId, and the group in an extension, no extra parameter (P2P-5, P2P-6)', async () => {
    const answer = await match(request());
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'MemberIdentifier',
          extension: [
            { url: P2P_EXPORT_GROUP, valueReference: { reference: expect.stringMatching(/^Group\/c[a-z0-9]{24}$/) } },
          ],
          valueIdentifier: {
            type: { coding: [{ system: 'http://hl7.org/fhir/us/davinci-hrex/CodeSystem/hrex-temp', code: 'UMB' }] },
            system: 'http://plan.test/v1/bison/ids/member',
            value: expect.stringMatching(/^U-/),
            assigner: { display: 'Plan bison' },
          },
        },
        { name: 'MemberId', valueReference: { reference: 'Patient/jay' } },
      ],
    });
    expect(validateResource(answer.body)).toEqual([]);
  });

  test('the founding answer has the parameter groupId', async () => {
    const answer = await post(FOUNDING, request());
    expect(answer.body.parameter.map((one: any) => one.name)).toEqual(['MemberIdentifier', 'MemberId', 'groupId']);
    expect(parameter(answer, 'groupId').valueString).toMatch(/^c[a-z0-9]{24}$/);
    expect(parameter(answer, 'MemberIdentifier').extension).toBeUndefined();
  });

  test.skipIf(!sharedDataPresent)('the founding body works byte for byte (P2P-2)', async () => {
    const body = readFileSync(sharedData('founding', 'member-match.json'));
    const answer = await post(SANDBOX, body, { client: 'beta', headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(200);
    expect(parameter(answer, 'groupId').valueString).toMatch(/^c[a-z0-9]{24}$/);
  });

  test('names of parameters may have any casing; a strict reading refuses that (P2P-3)', async () => {
    const body = request();
    for (const spell of [(name: string) => name.toLowerCase(), (name: string) => name.toUpperCase()]) {
      const spelled = { ...body, parameter: body.parameter.map((one) => ({ ...one, name: spell(one.name) })) };
      expect((await match(spelled)).status).toBe(200);
      const strict = await match(spelled, { headers: { prefer: 'handling=strict' } });
      expect(strict.status).toBe(422);
      expect(strict.body.issue.map((issue: any) => issue.details.coding[0].code)).toEqual(
        expect.arrayContaining(['unknown-parameter', 'missing-parameter']),
      );
    }
    expect((await match(body, { headers: { prefer: 'handling=strict' } })).status).toBe(200);
  });

  test('terminated coverage matches (P2P-9)', async () => {
    expect((await match(request())).status).toBe(200);
  });

  test('the same request again yields the same identifier and the same group, also at the same moment; another client gets its own group', async () => {
    const body = request({ MemberPatient: { gender: 'unknown' } });
    const answers = await Promise.all(Array.from({ length: 8 }, () => match(body)));
    expect(new Set(answers.map(groupOf)).size).toBe(1);
    const other = await match(body, { client: 'beta' });
    expect(umbOf(other)).toBe(umbOf(answers[0]!));
    expect(groupOf(other)).not.toBe(groupOf(answers[0]!));
    const changed = await match(
      request({
        MemberPatient: { gender: 'unknown' },
        provision: { period: { start: '2026-01-01', end: '2026-11-30' } },
      }),
    );
    expect(groupOf(changed)).not.toBe(groupOf(answers[0]!));
  });

  test('the consent and its parameters are stored, CoverageToLink too, and the group expires with the consent, at most 13 months on (P2P-14)', async () => {
    const link = {
      resourceType: 'Coverage',
      identifier: [{ value: 'NEW-PLAN-7' }],
      beneficiary: { reference: 'Patient/1' },
    };
    const answer = await match(
      request({ CoverageToLink: link, provision: { period: { start: '2026-01-01', end: '2035-01-31' } } }),
    );
    expect(answer.status).toBe(200);
    const group = groupOf(answer);
    const [stored] = await rows(
      `select * from consent_record c join match_request r on r.consent_id = c.id where r.group_id = '${group}'`,
    );
    expect(stored).toMatchObject({
      member_id: 'jay',
      client: 'alpha',
      organization: 'org-1',
      policy: 'regular',
      starts_at: new Date('2026-01-01T05:00:00Z'),
      ends_at: new Date('2035-02-01T04:59:59.999Z'),
      evidence: 'http://example.org/DocumentReference/signed',
      decision: 'accepted',
      algorithm: 'deterministic-1',
      umb: umbOf(answer),
    });
    expect(JSON.parse(stored.resource).resourceType).toBe('Consent');
    const [linked] = await rows(
      `select resource from coverage_link l join match_request r on r.id = l.match_id where r.group_id = '${group}'`,
    );
    expect(JSON.parse(linked.resource)).toEqual(link);
    const [{ expires_at }] = await rows(`select expires_at from payer_group where id = '${group}'`);
    expect(expires_at).toEqual(new Date('2027-07-01T12:00:00Z'));
    const shorter = groupOf(await match(request()));
    const [{ expires_at: until }] = await rows(`select expires_at from payer_group where id = '${shorter}'`);
    expect(until).toEqual(new Date('2027-01-01T04:59:59.999Z'));
  });

  test('each decision is in the audit record, with hashes and codes only', async () => {
    const accepted = await match(request(), { headers: { 'x-request-id': 'audit-1' } });
    await match(request({ MemberPatient: { birthDate: '1999-09-09' } }), { headers: { 'x-request-id': 'audit-2' } });
    await match('nonsense', { headers: { 'x-request-id': 'audit-3' } });
    const events = await rows(`select * from audit_event where request_id like 'audit-%' order by request_id`);
    expect(events).toMatchObject([
      {
        action: 'match.accepted',
        outcome: 'success',
        client: 'alpha',
        organization: 'org-1',
        subject: groupOf(accepted),
        member_key: expect.stringMatching(/^[0-9a-f]{32}$/),
        facts: { endpoint: 'standard', algorithm: 'deterministic-1' },
      },
      { action: 'match.refused', outcome: 'refused', member_key: null, facts: { reason: 'no-match' } },
      { action: 'match.refused', outcome: 'refused', facts: { reason: 'malformed' } },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/Young|2001-03-11|1999-09-09|17148123|jay/i);
    expect(JSON.stringify(events)).not.toContain(umbOf(accepted));
  });
});

describe('nobody is found (P2P-7)', () => {
  const NO_MATCH = outcome(
    'not-found',
    'no-match',
    'No member of this plan matches the demographics and coverage that were sent.',
  );

  test('whichever step fails, status, headers and body are the same; correct demographics without the number are no match (P2P-8)', async () => {
    const wrong = [
      request({ CoverageToMatch: { identifier: [{ value: 'SOMETHING-ELSE' }] } }),
      request({ MemberPatient: { birthDate: '2001-03-12' } }),
      request({ MemberPatient: { name: [{ family: 'Younger', given: ['Jay'] }] } }),
      request({ MemberPatient: { name: [{ family: 'Young', given: ['Ray'] }] } }),
      request({ MemberPatient: { name: [{ family: 'Young', given: ['J'] }] } }),
      request({ CoverageToMatch: { identifier: [{ system: 'https://plan.example/ids', value: 'FAM-9' }] } }),
    ];
    for (const body of wrong) {
      const answer = await match(body);
      expect(answer.status).toBe(422);
      expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
      expect(answer.body).toEqual(NO_MATCH);
    }
  });

  test('several members with the same number, name and birth date are no match either, and nothing tells how many', async () => {
    const answer = await match(
      request({
        MemberPatient: { name: [{ family: 'Gemini', given: ['Alex'] }], birthDate: '1990-05-05' },
        CoverageToMatch: { identifier: undefined, subscriberId: 'fam 9' },
      }),
    );
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual(
      outcome(
        'multiple-matches',
        'multiple-matches',
        'The demographics and coverage that were sent do not tell one member of this plan from another.',
      ),
    );
  });

  test('a coverage of another payer is told apart from no match', async () => {
    const answer = await match(request({ CoverageToMatch: { payor: [npi('1111111112')] } }));
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual(
      outcome('business-rule', 'wrong-payer', 'CoverageToMatch names another payer than this plan.'),
    );
    expect((await match(request({ CoverageToMatch: { payor: [{ display: 'Bison' }] } }))).status).toBe(200);
  });
});

describe('the member is found but the consent cannot be complied with (P2P-10)', () => {
  const source = (value: string) => ({
    actor: [
      {
        role: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'performer' }],
        },
        reference: npi(value),
      },
    ],
  });
  const recipient = (value: string) => ({
    actor: [
      {
        role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
        reference: npi(value),
      },
    ],
  });
  const INVALID =
    'The Consent cannot be complied with: it must be active, permit disclosure, have exactly one of the two HRex policies, a period that ends after it starts, and no element that restricts it.';

  test.each<[string, string, Parameters<typeof request>[0], string]>([
    ['not active', 'consent-invalid', { Consent: { status: 'inactive' } }, INVALID],
    ['a denial', 'consent-invalid', { provision: { type: 'deny' } }, INVALID],
    ['another policy', 'consent-invalid', { Consent: { policy: [{ uri: `${REGULAR}x` }] } }, INVALID],
    [
      'over',
      'consent-expired',
      { provision: { period: { start: '2022-01-01', end: '2022-01-31' } } },
      'The period of the Consent is over.',
    ],
    [
      'not begun',
      'consent-not-yet-valid',
      { provision: { period: { start: '2027-01-01', end: '2027-12-31' } } },
      'The period of the Consent has not begun.',
    ],
    [
      'for another recipient',
      'consent-recipient',
      { provision: recipient('1111111112') },
      'The recipient that the Consent names is not the organization that this client is registered for.',
    ],
    [
      'from another source',
      'consent-source',
      { provision: source('1111111112') },
      'The disclosing payer that the Consent names is not this plan.',
    ],
    ...['securityLabel', 'purpose', 'class', 'code', 'dataPeriod', 'data', 'provision'].map(
      (name): [string, string, Parameters<typeof request>[0], string] => [
        `restricted by ${name} (P2P-12)`,
        'consent-invalid',
        { provision: { [name]: [{}] } },
        INVALID,
      ],
    ),
  ])('a consent that is %s', async (_, code, change, text) => {
    const answer = await match(request(change));
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(answer.body).toEqual(outcome('suppressed', code, text));
  });

  test('a plan that cannot tell sensitive data apart cannot honour #regular, but can honour #sensitive', async () => {
    const at = (body: unknown) => post('unlabelled/r4/Patient/$member-match', body);
    const plain = (policy: string) =>
      request({ Consent: { policy: [{ uri: policy }] }, CoverageToMatch: { payor: [{ display: 'x' }] } });
    const answer = await at(plain(REGULAR));
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual(
      outcome(
        'suppressed',
        'consent-constraint',
        'This plan cannot honour the policy of the Consent, because it cannot tell sensitive data from the rest as that policy needs.',
      ),
    );
    expect((await at(plain(REGULAR.replace('regular', 'sensitive')))).status).toBe(200);
  });

  test('a client without an organization: any recipient in a sandbox, none in production', async () => {
    expect((await match(request(), { client: 'beta' })).status).toBe(200);
    const answer = await post('plan/r4/Patient/$member-match', request(), { client: 'beta' });
    expect(answer.status).toBe(422);
    expect(answer.body.issue[0].details.coding[0].code).toBe('consent-recipient');
    expect((await post('plan/r4/Patient/$member-match', request())).status).toBe(200);
  });

  test('the first failing check wins: expired comes before recipient (P2P-11)', async () => {
    const answer = await match(
      request({ provision: { period: { start: '2022-01-01', end: '2022-01-31' }, ...recipient('1111111112') } }),
    );
    expect(answer.body.issue[0].details.coding[0].code).toBe('consent-expired');
  });
});

describe('what cannot be read or used (payer-to-payer.md 1.7)', () => {
  test.each<[string, string | Buffer]>([
    ['no JSON', 'nonsense'],
    ['an empty body', ''],
    ['a list', '[]'],
    ['a cut text', '{"resourceType":"Parameters"'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['a key twice', '{"resourceType":"Parameters","resourceType":"Parameters"}'],
    ['depth without end', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
  ])('%s: 400', async (_, body) => {
    const answer = await match(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      outcome('structure', 'malformed', 'The body must be one JSON object in UTF-8, without duplicate keys.'),
    );
  });

  test('JSON that is no Parameters: 400', async () => {
    const answer = await match({ resourceType: 'Bundle' });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(outcome('structure', 'malformed', 'The body must be a FHIR Parameters resource.'));
  });

  test('a parameter missing, or twice: 422 (P2P-4)', async () => {
    const body = request();
    const without = { ...body, parameter: body.parameter.filter((one) => one.name !== 'Consent') };
    const missing = await match(without);
    expect(missing.status).toBe(422);
    expect(missing.body).toEqual(
      outcome('required', 'missing-parameter', 'The parameter Consent is missing.', 'Parameters.parameter'),
    );
    const twice = await match({
      ...body,
      parameter: [...body.parameter, { ...body.parameter[0], name: 'memberpatient' }],
    });
    expect(twice.status).toBe(422);
    expect(twice.body).toEqual(
      outcome(
        'invalid',
        'duplicate-parameter',
        'The parameter MemberPatient may be sent once only.',
        'Parameters.parameter[3]',
      ),
    );
  });

  test('a field missing or unusable: 422 with the place', async () => {
    const missing = await match(request({ MemberPatient: { birthDate: undefined } }));
    expect(missing.status).toBe(422);
    expect(missing.body).toEqual(
      outcome(
        'required',
        'missing-field',
        'MemberPatient.birthDate is missing.',
        'Parameters.parameter[0].resource.birthDate',
      ),
    );
    const invalid = await match(request({ MemberPatient: { birthDate: '03/11/2001' } }));
    expect(invalid.status).toBe(422);
    expect(invalid.body).toEqual(
      outcome(
        'invalid',
        'invalid-field',
        'MemberPatient.birthDate must be a full date, written yyyy-mm-dd.',
        'Parameters.parameter[0].resource.birthDate',
      ),
    );
    expect(missing.text + invalid.text).not.toMatch(/03\/11|Young/);
  });

  test('a relative reference that names another id: 422 (P2P-13)', async () => {
    const answer = await match(request({ Consent: { patient: { reference: 'Patient/2' } } }));
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual(
      outcome(
        'invalid',
        'invalid-field',
        'Consent.patient.reference does not name the id of MemberPatient.',
        'Parameters.parameter[2].resource.patient.reference',
      ),
    );
  });

  test('below the HRex profile: leniently accepted, strictly refused, also where the plan wants it strict', async () => {
    const below = request({ Consent: { scope: undefined } });
    expect((await match(below)).status).toBe(200);
    const strict = await match(below, { headers: { prefer: 'return=minimal, handling="strict"' } });
    expect(strict.status).toBe(422);
    expect(strict.body.issue[0]).toMatchObject({ code: 'invalid', details: { coding: [{ code: 'invalid-field' }] } });
    await world.db.tenant('strict-plan', 'sandbox', { strictMemberMatch: true });
    world.tenants.forget();
    expect(
      (await post('strict-plan/r4/Patient/$member-match', below, { headers: { prefer: 'handling=lenient' } })).status,
    ).toBe(422);
  });

  test('a media type other than FHIR JSON: 415; an answer other than JSON: 406; another method: 405; too large: 413', async () => {
    const plain = (code: string, text: string) => ({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code, details: { text } }],
    });
    for (const type of ['application/fhir+xml', 'text/plain', 'application/x-www-form-urlencoded']) {
      const answer = await match(request(), { headers: { 'content-type': type } });
      expect(answer.status).toBe(415);
      expect(answer.body).toEqual(
        plain('not-supported', 'The body must be sent as application/fhir+json or application/json.'),
      );
    }
    for (const type of ['application/json', 'application/fhir+json; charset=utf-8', 'application/json;charset=UTF-8'])
      expect((await match(request(), { headers: { 'content-type': type } })).status).toBe(200);
    const xml = await match(request(), { headers: { accept: 'application/fhir+xml' } });
    expect(xml.status).toBe(406);
    expect(xml.body).toEqual(plain('not-supported', 'Only FHIR JSON can be answered here.'));
    expect((await post(`${STANDARD}?_format=xml`, request())).status).toBe(406);
    expect(
      (await post(`${STANDARD}?_format=application/fhir+json`, request(), { headers: { accept: 'text/html' } })).status,
    ).toBe(200);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await match(request(), { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
      expect(answer.body).toEqual(plain('not-supported', 'This operation takes POST only.'));
    }
    const large = await match(request({ MemberPatient: { text: 'x'.repeat(1_100_000) } }));
    expect(large.status).toBe(413);
    expect(large.body).toEqual(plain('too-long', 'The request body is too large.'));
  });

  test('an unknown tenant: 404; the sandbox address on a production tenant: 404 (P2P-18)', async () => {
    const unknown = await post('nobody/r4/Patient/$member-match', request());
    expect(unknown.status).toBe(404);
    expect(unknown.body).toEqual(outcome('not-found', 'unknown-tenant', 'There is no plan of this name here.'));
    const production = await post('plan/member-match-sandbox/$member-match', request());
    expect(production.status).toBe(404);
    expect(production.body).toEqual(outcome('not-found', 'unknown-tenant', 'There is no such operation here.'));
    expect((await post('plan/member-match/$member-match', request())).status).toBe(200);
  });

  test('whatever is sent, the answer is an OperationOutcome without any of it and no server error (P2P-17)', async () => {
    const secret = 'Zq9Secret';
    const hostile = [
      null,
      0,
      true,
      secret,
      [secret],
      { [secret]: secret },
      { reference: secret },
      [{ value: 7, system: [] }],
      `${secret}\u0000`,
      '\ud800',
    ];
    const places = [
      'name',
      'birthDate',
      'identifier',
      'beneficiary',
      'payor',
      'subscriberId',
      'dependent',
      'address',
      'status',
      'policy',
      'provision',
      'patient',
      'modifierExtension',
    ];
    for (const place of places)
      for (const value of hostile)
        for (const parameterName of ['MemberPatient', 'CoverageToMatch', 'Consent'] as const) {
          const body = request({ [parameterName]: { [place]: value } });
          const answer = await match(body, { client: 'beta' });
          expect([200, 400, 422, 429]).toContain(answer.status);
          if (answer.status !== 200) {
            expect(answer.body.resourceType).toBe('OperationOutcome');
            expect(answer.text).not.toContain(secret);
          }
        }
  });
});
