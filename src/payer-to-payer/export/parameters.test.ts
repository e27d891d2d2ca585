import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportOutcomes, isExportRefusal } from './export-refusals.ts';
import { EXPORTABLE_TYPES } from './exportable-types.ts';
import { isServed, PARAMETERS_MAX, parseExportParameters, parseInstant } from './parameters.ts';
import { parametersOfBody, parametersOfQuery } from './raw-parameters.ts';

function refusalOf(
  work: () => unknown,
): { code: string; facts: Readonly<Record<string, string | number>> } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!isExportRefusal(error)) throw error;
    return { code: error.code, facts: error.facts };
  }
}
const bases = ['https://plan.example/v1/bison/r4', 'https://plan.example/v1/bison/bulk-data/r4'];
const parse = (query: Record<string, unknown>, lenient = false) =>
  parseExportParameters(parametersOfQuery(query), { lenient, bases });
const parseBody = (parameter: unknown, lenient = false) =>
  parseExportParameters(parametersOfBody({ resourceType: 'Parameters', parameter }, isServed), { lenient, bases });
/** A kick-off that asks for everything. */
const everything = {
  types: undefined,
  since: undefined,
  until: undefined,
  narrowing: { typeFilters: [], elements: [], patients: undefined, associatedData: undefined },
  ignored: [],
};

describe('_outputFormat (P2P-25)', () => {
  test.each(['application/fhir+ndjson', 'application/ndjson', 'ndjson', 'NDJSON', 'application/fhir ndjson'])(
    'the spelling %s is accepted; a plus sign left unescaped arrives as a space',
    (format) => {
      expect(parse({ _outputFormat: format })).toEqual(everything);
    },
  );
  test.each(['json', 'application/fhir+json', 'csv', ''])('"%s" is refused, also in lenient mode', (format) => {
    expect(refusalOf(() => parse({ _outputFormat: format }))?.code).toBe('output-format-unsupported');
    expect(refusalOf(() => parse({ _outputFormat: format }, true))?.code).toBe('output-format-unsupported');
  });
});

describe('_since and _until (P2P-26)', () => {
  test.each([
    ['2026-01-05T16:08:38.956Z', '2026-01-05T16:08:38.956Z'],
    ['2026-01-05T16:08:38Z', '2026-01-05T16:08:38.000Z'],
    ['2026-01-05T16:08:38.9569999Z', '2026-01-05T16:08:38.956Z'],
    ['2026-01-05T16:08:38+02:00', '2026-01-05T14:08:38.000Z'],
    ['2026-01-05T16:08:38 02:00', '2026-01-05T14:08:38.000Z'],
    ['2028-02-29T00:00:00-05:00', '2028-02-29T05:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2999-01-01T00:00:00Z', '2999-01-01T00:00:00.000Z'],
  ])('the instant %s is %s', (text, expected) => {
    expect(parse({ _since: text }).since?.toISOString()).toBe(expected);
    expect(parse({ _until: text }).until?.getTime()).toBe(
      new Date(expected).getTime() + (text.includes('9999') ? 1 : 0),
    );
  });
  test.each([
    '2026-01-05',
    '2026-01-05T16:08:38',
    '2026-01-05T16:08Z',
    '2026-13-05T16:08:38Z',
    '2026-02-30T16:08:38Z',
    '2027-02-29T16:08:38Z',
    '2026-01-05T24:00:00Z',
    '2026-01-05T16:08:38+24:00',
    'yesterday',
    '1767629318',
    '',
  ])('"%s" is no instant and is refused, also in lenient mode', (text) => {
    expect(refusalOf(() => parse({ _since: text }))?.code).toBe('since-not-an-instant');
    expect(refusalOf(() => parse({ _since: text }, true))?.code).toBe('since-not-an-instant');
    expect(refusalOf(() => parse({ _until: text }))?.code).toBe('until-not-an-instant');
    expect(refusalOf(() => parse({ _until: text }, true))?.code).toBe('until-not-an-instant');
  });
  test('every instant that a Date can write is read back as the same instant', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (date) => {
          expect(parseInstant(date.toISOString(), '_since').getTime()).toBe(date.getTime());
        },
      ),
    );
  });
});

describe('_type (P2P-27)', () => {
  test('repeats and comma lists are one list, each type once, in the order they came', () => {
    expect(parse({ _type: ['Patient,Coverage', ' Encounter', 'Patient'] }).types).toEqual([
      'Patient',
      'Coverage',
      'Encounter',
    ]);
  });
  test.each([
    'Claim',
    'ClaimResponse',
    'Binary',
    'PaymentReconciliation',
    'InsurancePlan',
    'patient',
    'Nonsense',
    '',
    'Patient,,Coverage',
  ])('"%s" names a type that is unknown or never exported and is refused', (types) => {
    expect(refusalOf(() => parse({ _type: types }))?.code).toBe('type-not-exported');
  });
  test('in lenient mode such a type is left out and reported, and the rest still counts', () => {
    expect(parse({ _type: 'Patient,Claim,Claim,<b>' }, true)).toEqual({
      ...everything,
      types: ['Patient'],
      ignored: [{ parameter: '_type', value: 'Claim' }, { parameter: '_type' }],
    });
  });
  test('in lenient mode a list of nothing but such types exports nothing, rather than everything', () => {
    expect(parse({ _type: 'Claim' }, true).types).toEqual([]);
  });
  test('any choice of exportable types is honoured exactly', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...EXPORTABLE_TYPES], { minLength: 1 }), (types) => {
        expect(parse({ _type: types.join(',') }).types).toEqual(types);
      }),
    );
  });
});

describe('every other parameter (P2P-24, P2P-30)', () => {
  const others = ['organizeOutputBy', 'exportType', '_format', 'foo', '_Since'];
  test.each(others)('%s is refused by its name, in strict mode and by default', (name) => {
    expect(refusalOf(() => parse({ [name]: 'x' }))).toEqual({
      code: 'parameter-unsupported',
      facts: { parameter: name },
    });
    expect(exportOutcomes['parameter-unsupported'].status).toBe(400);
  });
  test.each(others)('%s is left out and reported once in lenient mode', (name) => {
    expect(parse({ [name]: ['x', 'y'], _type: 'Patient' }, true)).toEqual({
      ...everything,
      types: ['Patient'],
      ignored: [{ parameter: name }],
    });
  });
  test('a name that is no word is refused without being repeated', () => {
    expect(refusalOf(() => parse({ '<script>Jay Young': 'x' }))).toEqual({ code: 'parameter-unsupported', facts: {} });
  });
  test('allowPartialManifests=false asks for nothing; true is refused, or reported in lenient mode; else it is malformed', () => {
    expect(parse({ allowPartialManifests: 'false' }).ignored).toEqual([]);
    expect(refusalOf(() => parse({ allowPartialManifests: 'true' }))?.code).toBe('parameter-unsupported');
    expect(parse({ allowPartialManifests: 'true' }, true).ignored).toEqual([{ parameter: 'allowPartialManifests' }]);
    expect(refusalOf(() => parse({ allowPartialManifests: 'yes' }))?.code).toBe('parameter-malformed');
  });
  test.each(['_since', '_until', '_outputFormat', 'allowPartialManifests'])('%s given twice is refused', (name) => {
    expect(refusalOf(() => parse({ [name]: ['ndjson', 'ndjson'] }))).toEqual({
      code: 'parameter-repeated',
      facts: { parameter: name },
    });
  });
});

describe('_elements (P2P-29)', () => {
  test('repeats and comma lists are one list; a type may stand before the element; a choice has several names', () => {
    const asked = ['id,Patient.birthDate', 'value[x]', 'valueQuantity,value', 'deceased,id'];
    expect(parse({ _elements: asked }).narrowing.elements).toEqual([
      'id',
      'Patient.birthDate',
      'value[x]',
      'valueQuantity',
      'value',
      'deceased',
    ]);
  });
  test.each([
    'nonsense',
    'Patient.nonsense',
    'Claim.status',
    'Patient.name.family',
    'Patient.',
    '',
    'id,,name',
    'birthdate',
  ])('"%s" is no root element of an exported type: refused, or left out and reported', (elements) => {
    expect(refusalOf(() => parse({ _elements: elements }))?.code).toBe('element-unknown');
    expect(parse({ _elements: elements }, true).ignored.map(({ parameter }) => parameter)).toEqual(['_elements']);
  });
});

describe('includeAssociatedData (P2P-29)', () => {
  const Latest = 'LatestProvenanceResources';
  const Relevant = 'RelevantProvenanceResources';
  test.each([
    [Latest, Latest],
    [Relevant, Relevant],
    [`${Latest},${Relevant}`, Relevant],
    [[Relevant, Latest], Relevant],
  ])('%s: of several the least restrictive counts', (given, expected) => {
    expect(parse({ includeAssociatedData: given }).narrowing.associatedData).toBe(expected);
  });
  test.each(['latestprovenanceresources', '_ours', '', 'Everything'])('"%s" is no value we have', (value) => {
    expect(refusalOf(() => parse({ includeAssociatedData: value }))?.code).toBe('associated-data-unsupported');
    const wish = parse({ includeAssociatedData: [value, Latest] }, true);
    expect([wish.narrowing.associatedData, wish.ignored.length]).toEqual([Latest, 1]);
  });
});

describe('patient (P2P-29)', () => {
  const reference = (value: string) => ({ name: 'patient', valueReference: { reference: value } });
  test('in the body of a POST: relative and absolute references to our Patients, each once', () => {
    const given = ['Patient/1', `${bases[0]}/Patient/2`, `${bases[1]}/Patient/3`, 'Patient/1'].map(reference);
    expect(parseBody(given).narrowing.patients).toEqual(['1', '2', '3']);
  });
  test.each([
    reference('Group/1'),
    reference('1'),
    reference('https://elsewhere.example/Patient/1'),
    reference('Patient/1/_history/1'),
    reference(''),
    { name: 'patient', valueString: 'Patient/1' },
    { name: 'patient', valueReference: { identifier: { value: '1' } } },
    { name: 'patient' },
  ])('%j is no reference to a Patient, in both modes', (parameter) => {
    for (const lenient of [false, true])
      expect(refusalOf(() => parseBody([parameter], lenient))).toEqual({
        code: 'parameter-malformed',
        facts: { parameter: 'patient' },
      });
  });
  test('in an address it is not supported', () => {
    expect(refusalOf(() => parse({ patient: 'Patient/1' }))?.code).toBe('parameter-unsupported');
    expect(parse({ patient: 'Patient/1' }, true)).toEqual({ ...everything, ignored: [{ parameter: 'patient' }] });
  });
});

test('a kick-off has a bound on its parameters', () => {
  const many = (count: number) => parse({ _type: Array.from({ length: count }, () => 'Patient') });
  expect(many(PARAMETERS_MAX).types).toEqual(['Patient']);
  expect(refusalOf(() => many(PARAMETERS_MAX + 1))?.code).toBe('too-many-parameters');
});

describe('the body of a POST (P2P-20)', () => {
  test('no body, and Parameters without any, ask for everything', () => {
    expect(parametersOfBody(undefined, isServed)).toEqual([]);
    expect(parametersOfBody({ resourceType: 'Parameters' }, isServed)).toEqual([]);
  });
  test('values of any simple type are read, repeats are kept', () => {
    const given = [
      { name: '_type', valueString: 'Patient,Coverage' },
      { name: '_type', valueCode: 'Encounter' },
      { name: '_since', valueInstant: '2026-01-05T16:08:38.956Z' },
      { name: 'allowPartialManifests', valueBoolean: false },
    ];
    expect(parseBody(given)).toEqual({
      ...everything,
      types: ['Patient', 'Coverage', 'Encounter'],
      since: new Date('2026-01-05T16:08:38.956Z'),
    });
  });
  test('a parameter that we do not serve is refused as such, whatever its value', () => {
    const given = [{ name: 'subject', valueReference: { reference: 'Patient/1' } }];
    expect(refusalOf(() => parseBody(given))).toEqual({
      code: 'parameter-unsupported',
      facts: { parameter: 'subject' },
    });
    expect(parseBody(given, true).ignored).toEqual([{ parameter: 'subject' }]);
  });
  test.each([
    [{ resourceType: 'Patient' }, 'body-not-parameters'],
    [[], 'body-not-parameters'],
    ['text', 'body-not-parameters'],
    [{ resourceType: 'Parameters', parameter: {} }, 'body-not-parameters'],
    [{ resourceType: 'Parameters', parameter: [null] }, 'body-not-parameters'],
    [{ resourceType: 'Parameters', parameter: [{ valueString: 'x' }] }, 'body-not-parameters'],
    [{ resourceType: 'Parameters', parameter: [{ name: '_type' }] }, 'parameter-malformed'],
    [
      { resourceType: 'Parameters', parameter: [{ name: '_type', valueString: 'Patient', valueCode: 'Coverage' }] },
      'parameter-malformed',
    ],
    [{ resourceType: 'Parameters', parameter: [{ name: '_since', valuePeriod: {} }] }, 'parameter-malformed'],
  ])('%j is refused: %s', (body, code) => {
    expect(refusalOf(() => parametersOfBody(body, isServed))?.code).toBe(code);
  });
  test('no body whatsoever makes the parser fail otherwise than by a refusal', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (body, lenient) => {
        refusalOf(() => parseExportParameters(parametersOfBody(body, isServed), { lenient, bases }));
        refusalOf(() => parseBody(body, lenient));
      }),
    );
  });
});
