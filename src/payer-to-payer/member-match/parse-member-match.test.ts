import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharedData, sharedDataPresent } from '../../../test/support/shared-data.ts';
import { type ParsedMemberMatch, parseMemberMatch } from './parse-member-match.ts';

const MB = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MB' }] };
const npi = (value: string) => ({ identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value } });

function resources() {
  return {
    MemberPatient: {
      resourceType: 'Patient',
      id: '1',
      name: [{ family: 'Young', given: ['Jay', 'Q'] }],
      gender: 'male',
      birthDate: '2001-03-11',
    } as any,
    CoverageToMatch: {
      resourceType: 'Coverage',
      id: '2',
      identifier: [{ type: MB, system: 'https://plan.example/ids', value: 'DH-1000' }],
      status: 'active',
      beneficiary: { reference: 'Patient/1' },
      relationship: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/subscriber-relationship', code: 'self' }],
      },
      payor: [npi('9876543213')],
    } as any,
    Consent: {
      resourceType: 'Consent',
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IDSCL' }] }],
      patient: { reference: 'Patient/1' },
      performer: [{ reference: 'Patient/1' }],
      sourceReference: { reference: 'http://example.org/DocumentReference/1' },
      policy: [{ uri: 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular' }],
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
            reference: npi('9876543213'),
          },
          {
            role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
            reference: npi('1234567893'),
          },
        ],
        action: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentaction', code: 'disclose' }] }],
      },
    } as any,
  };
}
type Resources = ReturnType<typeof resources>;
const parameters = (parts: Record<string, unknown>) => ({
  resourceType: 'Parameters',
  parameter: Object.entries(parts).map(([name, resource]) => ({ name, resource })),
});
const parse = (body: unknown, strict = false): ParsedMemberMatch =>
  parseMemberMatch(body, { strict, validate: () => [] });
function changed(change: (all: Resources) => void, strict = false): ParsedMemberMatch {
  const all = resources();
  change(all);
  return parse(parameters(all), strict);
}
/** Sets one element, `MemberPatient.name[0].family`; undefined takes it away. */
const put =
  (path: string, value: unknown) =>
  (all: Resources): void => {
    const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
    const last = steps.pop() as string;
    let at: any = all;
    for (const step of steps) at = at[step];
    if (value === undefined) delete at[last];
    else at[last] = value;
  };
const drop = (path: string) => put(path, undefined);
const problems = (parsed: ParsedMemberMatch): string[] =>
  parsed.kind === 'request' ? [] : parsed.problems.map((one) => `${one.code} ${one.expression ?? ''}`.trim());

describe('the parameters', () => {
  test('a complete request is read, strictly and leniently', () => {
    for (const strict of [true, false]) {
      const parsed = parse(parameters(resources()), strict);
      expect(problems(parsed)).toEqual([]);
      expect(parsed).toMatchObject({
        kind: 'request',
        request: {
          described: {
            identifiers: [{ source: 'coverage-identifier', valueN: 'DH1000', system: 'https://plan.example/ids' }],
            names: [{ familyN: 'YOUNG', givenN: 'JAY' }],
            birthDate: '2001-03-11',
          },
          consent: { recipients: [[{ value: '1234567893' }]], sources: [[{ value: '9876543213' }]], restrictions: [] },
          payors: [[{ value: '9876543213' }]],
          warnings: [],
        },
      });
    }
  });

  test.each([
    'memberpatient',
    'MEMBERPATIENT',
    'memberPatient',
    'Memberpatient',
    'mEMBERpATIENT',
    'MemberPATIENT',
    'memBerPatient',
  ])('the name %s is MemberPatient in a lenient reading and no parameter in a strict one (P2P-3)', (name) => {
    const { MemberPatient, ...rest } = resources();
    const body = parameters({ [name]: MemberPatient, ...rest });
    expect(problems(parse(body))).toEqual([]);
    expect(problems(parse(body, true))).toEqual([
      'unknown-parameter Parameters.parameter[0]',
      'missing-parameter Parameters.parameter',
    ]);
  });

  test('exactly one MemberPatient, CoverageToMatch and Consent, at most one CoverageToLink (P2P-4)', () => {
    const count = fc.integer({ min: 0, max: 2 });
    const casing = fc.constantFrom(
      (name: string) => name,
      (name: string) => name.toLowerCase(),
    );
    fc.assert(
      fc.property(count, count, count, count, casing, (patients, matches, links, consents, spell) => {
        const all = resources();
        const many = (name: string, resource: unknown, times: number) =>
          Array.from({ length: times }, (_, i) => ({ name: i === 1 ? spell(name) : name, resource }));
        const parameter = [
          ...many('MemberPatient', all.MemberPatient, patients),
          ...many('CoverageToMatch', all.CoverageToMatch, matches),
          ...many('CoverageToLink', all.CoverageToMatch, links),
          ...many('Consent', all.Consent, consents),
        ];
        const found = problems(parse({ resourceType: 'Parameters', parameter }));
        const good = patients === 1 && matches === 1 && consents === 1 && links <= 1;
        expect(found.length === 0).toBe(good);
        expect(found.filter((one) => one.startsWith('missing-parameter')).length).toBe(
          [patients, matches, consents].some((times) => times === 0)
            ? found.filter((one) => one.startsWith('missing')).length
            : 0,
        );
        expect(found.some((one) => one.startsWith('duplicate'))).toBe([patients, matches, links, consents].includes(2));
      }),
    );
  });

  test('a missing resourceType is inferred in a lenient reading; a wrong one is refused in both', () => {
    const without = (all: Resources): void => {
      delete all.MemberPatient.resourceType;
      delete all.CoverageToMatch.resourceType;
    };
    expect(problems(changed(without))).toEqual([]);
    expect(problems(changed(without, true))).toEqual([
      'missing-field Parameters.parameter[0].resource.resourceType',
      'missing-field Parameters.parameter[1].resource.resourceType',
    ]);
    for (const strict of [true, false])
      expect(problems(changed(put('Consent.resourceType', 'Patient'), strict))).toEqual([
        'invalid-field Parameters.parameter[2].resource.resourceType',
      ]);
  });

  test('an unknown parameter is ignored with a warning in a lenient reading and refused in a strict one', () => {
    const body = parameters({ ...resources(), Extra: { resourceType: 'Basic' } });
    expect(parse(body)).toMatchObject({ kind: 'request', request: { warnings: ['unknown-parameter'] } });
    expect(problems(parse(body, true))).toEqual(['unknown-parameter Parameters.parameter[3]']);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['another resource', { resourceType: 'Bundle' }],
    ['no resourceType', { parameter: [] }],
    ['a parameter that is no list', { resourceType: 'Parameters', parameter: {} }],
    ['an entry without a name', { resourceType: 'Parameters', parameter: [{ resource: {} }] }],
    ['an entry that is no object', { resourceType: 'Parameters', parameter: [1] }],
  ])('%s is malformed', (_, body) => {
    expect(problems(parse(body))).toEqual(['malformed']);
  });
});

describe('the fields (payer-to-payer.md 1.3)', () => {
  test.each<[string, (all: Resources) => void, string]>([
    ['no name', drop('MemberPatient.name'), 'missing-field Parameters.parameter[0].resource.name'],
    [
      'no family',
      drop('MemberPatient.name[0].family'),
      'missing-field Parameters.parameter[0].resource.name[0].family',
    ],
    [
      'no given',
      put('MemberPatient.name[0].given', []),
      'missing-field Parameters.parameter[0].resource.name[0].given',
    ],
    ['no birth date', drop('MemberPatient.birthDate'), 'missing-field Parameters.parameter[0].resource.birthDate'],
    [
      'a birth year',
      put('MemberPatient.birthDate', '2001'),
      'invalid-field Parameters.parameter[0].resource.birthDate',
    ],
    [
      'a day that never was',
      put('MemberPatient.birthDate', '2001-02-30'),
      'invalid-field Parameters.parameter[0].resource.birthDate',
    ],
    [
      'a number as a name',
      put('MemberPatient.name[0].family', 7),
      'invalid-field Parameters.parameter[0].resource.name[0].family',
    ],
    [
      'no identifier',
      put('CoverageToMatch.identifier', []),
      'missing-field Parameters.parameter[1].resource.identifier',
    ],
    [
      'too many identifiers',
      put('CoverageToMatch.identifier', Array(21).fill({ value: 'x' })),
      'invalid-field Parameters.parameter[1].resource.identifier',
    ],
    ['no status', drop('Consent.status'), 'missing-field Parameters.parameter[2].resource.status'],
    ['no policy', drop('Consent.policy'), 'missing-field Parameters.parameter[2].resource.policy'],
    [
      'no provision type',
      drop('Consent.provision.type'),
      'missing-field Parameters.parameter[2].resource.provision.type',
    ],
    [
      'no start',
      drop('Consent.provision.period.start'),
      'missing-field Parameters.parameter[2].resource.provision.period.start',
    ],
    [
      'no end',
      drop('Consent.provision.period.end'),
      'missing-field Parameters.parameter[2].resource.provision.period.end',
    ],
    [
      'an end that is no date',
      put('Consent.provision.period.end', 'soon'),
      'invalid-field Parameters.parameter[2].resource.provision.period.end',
    ],
    [
      'a provision that is a list',
      put('Consent.provision', []),
      'invalid-field Parameters.parameter[2].resource.provision',
    ],
  ])('%s is refused in both readings', (_, change, expected) => {
    expect(problems(changed(change))).toEqual([expected]);
    expect(problems(changed(change, true))).toContain(expected);
  });

  test('a subscriberId stands for an identifier', () => {
    const parsed = changed((all) => {
      delete all.CoverageToMatch.identifier;
      all.CoverageToMatch.subscriberId = 's-1';
      all.CoverageToMatch.dependent = '01';
    });
    expect(parsed).toMatchObject({
      request: { described: { identifiers: [{ source: 'subscriber-id', valueN: 'S1' }], dependent: '01' } },
    });
  });

  test('of the patient’s identifiers only those that a plan could have given are looked up', () => {
    const of = (code: string) => ({
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code }] },
      value: code,
    });
    const parsed = changed(put('MemberPatient.identifier', [of('SS'), of('MB'), { value: 'untyped' }]));
    expect(parsed).toMatchObject({
      request: { described: { identifiers: [{}, { valueN: 'MB' }, { valueN: 'UNTYPED' }] } },
    });
  });

  test.each<[string, (all: Resources) => void]>([
    ['no gender and no birth sex', drop('MemberPatient.gender')],
    ['an identifier that is not typed MB', drop('CoverageToMatch.identifier[0].type')],
    ['no relationship', drop('CoverageToMatch.relationship')],
    ['two payors', put('CoverageToMatch.payor[1]', npi('1'))],
    ['no scope', drop('Consent.scope')],
    ['no category', drop('Consent.category')],
    ['no performer', drop('Consent.performer')],
    [
      'an attachment as source',
      (all) => {
        delete all.Consent.sourceReference;
        all.Consent.sourceAttachment = { title: 'signed' };
      },
    ],
    ['no actors', drop('Consent.provision.actor')],
    ['no action', drop('Consent.provision.action')],
  ])('%s is below the HRex profile: accepted leniently, refused strictly', (_, change) => {
    expect(problems(changed(change))).toEqual([]);
    expect(problems(changed(change, true)).length).toBeGreaterThan(0);
  });

  test.each(['securityLabel', 'purpose', 'class', 'code', 'dataPeriod', 'data', 'provision'])(
    'provision.%s restricts the consent, and is seen whatever it holds (P2P-12)',
    (name) => {
      const parsed = changed(put(`Consent.provision.${name}`, []));
      expect(parsed).toMatchObject({ request: { consent: { restrictions: [name] } } });
    },
  );

  test('a modifier or an action other than disclose restricts it too', () => {
    expect(changed(put('Consent.modifierExtension', [{}]))).toMatchObject({
      request: { consent: { restrictions: ['modifierExtension'] } },
    });
    const collect = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentaction', code: 'collect' }] }];
    expect(changed(put('Consent.provision.action', collect))).toMatchObject({
      request: { consent: { restrictions: ['action'] } },
    });
  });
});

describe('references to the patient (P2P-13)', () => {
  const places: [string, (all: Resources, reference: any) => void][] = [
    ['CoverageToMatch.beneficiary', (all, reference) => put('CoverageToMatch.beneficiary', reference)(all)],
    ['Consent.patient', (all, reference) => put('Consent.patient', reference)(all)],
  ];
  test.each(places)('%s is relative and names the id of MemberPatient', (_, set) => {
    expect(problems(changed((all) => set(all, { reference: 'Patient/1' }), true))).toEqual([]);
    for (const strict of [true, false])
      for (const reference of ['Patient/2', 'RelatedPerson/1', 'Patient/1/_history/1'])
        expect(problems(changed((all) => set(all, { reference }), strict)).length).toBe(1);
    const absolute = (all: Resources): void => set(all, { reference: 'http://example.org/fhir/Patient/9' });
    expect(changed(absolute)).toMatchObject({ kind: 'request', request: { warnings: ['absolute-patient-reference'] } });
    expect(problems(changed(absolute, true)).length).toBe(1);
    expect(problems(changed((all) => set(all, undefined)))).toEqual([]);
    expect(problems(changed((all) => set(all, undefined), true)).length).toBeGreaterThan(0);
  });
});

describe.skipIf(!sharedDataPresent)('requests that others wrote', () => {
  const read = (...parts: string[]) => JSON.parse(readFileSync(sharedData(...parts), 'utf8'));

  test('the founding body is read as it is (P2P-2)', () => {
    const parsed = parse(read('founding', 'member-match.json'));
    expect(parsed).toMatchObject({
      kind: 'request',
      request: {
        described: {
          identifiers: [{ valueN: '1714812347DA43A084018D5D1368DB02' }],
          names: [{ familyN: 'YOUNG', givenN: 'JAY' }],
          birthDate: '2001-03-11',
        },
        consent: { status: 'active', periodStart: '2022-01-01', periodEnd: '2035-01-31', recipients: [], sources: [] },
        warnings: [],
      },
    });
  });

  test('the HRex examples: 1.0.0 and 1.2.0 are read leniently; 1.2.0 breaks the guide’s own reference rule', () => {
    const newest = read('hrex', '1.2.0', 'Parameters-member-match-in.json');
    expect(parse(newest)).toMatchObject({ kind: 'request', request: { warnings: ['absolute-patient-reference'] } });
    expect(problems(parse(newest, true)).every((problem) => problem.endsWith('.reference'))).toBe(true);
    expect(parse(read('hrex', '1.0.0', 'Parameters-member-match-in.json')).kind).toBe('request');
    expect(parse(read('hrex', '1.2.0', 'Parameters-member-match-in-provider.json')).kind).toBe('request');
  });

  test('the member of the PDex bulk example names another id than its references do', () => {
    const bulk = read('pdex', '2.2.0', 'Parameters-payer-multi-member-match-in.json');
    const body = { resourceType: 'Parameters', parameter: bulk.parameter[0].part };
    expect(problems(parse(body)).every((problem) => problem.startsWith('invalid-field'))).toBe(true);
    body.parameter[0].resource.id = '1';
    expect(parse(body).kind).toBe('request');
  });
});

test('whatever is sent, the answer is a request or a refusal whose texts hold nothing of it', () => {
  const secret = 'S3CRETVALUE';
  const anything = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant(secret),
      fc.integer(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'name',
          'family',
          'given',
          'birthDate',
          'identifier',
          'value',
          'reference',
          'provision',
          'period',
          'start',
          'policy',
          'uri',
          'type',
          'coding',
          'code',
        ),
        tie('value'),
        { maxKeys: 5 },
      ),
    ),
  })).value;
  fc.assert(
    fc.property(
      fc.constantFrom('MemberPatient', 'CoverageToMatch', 'Consent'),
      anything,
      fc.boolean(),
      (name, value, strict) => {
        const parsed = parse(parameters({ ...resources(), [name]: value }), strict);
        if (parsed.kind === 'refused') expect(JSON.stringify(parsed.problems)).not.toContain(secret);
      },
    ),
    { numRuns: 500 },
  );
});
