import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportOutcomes, isExportRefusal } from './export-refusals.ts';
import { EXPORTABLE_TYPES } from './exportable-types.ts';
import { parametersOfBody, parametersOfQuery, parseExportParameters, parseInstant } from './parameters.ts';

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
const parse = (query: Record<string, unknown>, lenient = false) =>
  parseExportParameters(parametersOfQuery(query), lenient);

describe('_outputFormat (P2P-25)', () => {
  test.each(['application/fhir+ndjson', 'application/ndjson', 'ndjson', 'NDJSON', 'application/fhir ndjson'])(
    'the spelling %s is accepted; a plus sign left unescaped arrives as a space',
    (format) => {
      expect(parse({ _outputFormat: format })).toEqual({ types: undefined, since: undefined, ignored: [] });
    },
  );
  test.each(['json', 'application/fhir+json', 'csv', ''])('"%s" is refused, also in lenient mode', (format) => {
    expect(refusalOf(() => parse({ _outputFormat: format }))?.code).toBe('output-format-unsupported');
    expect(refusalOf(() => parse({ _outputFormat: format }, true))?.code).toBe('output-format-unsupported');
  });
});

describe('_since (P2P-26)', () => {
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
  });
  test('every instant that a Date can write is read back as the same instant', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (date) => {
          expect(parseInstant(date.toISOString()).getTime()).toBe(date.getTime());
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
      types: ['Patient'],
      since: undefined,
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
  const others = [
    '_until',
    '_typeFilter',
    '_elements',
    'patient',
    'includeAssociatedData',
    'organizeOutputBy',
    'exportType',
    '_format',
    'foo',
    '_Since',
  ];
  test.each(others)('%s is refused by its name, in strict mode and by default', (name) => {
    expect(refusalOf(() => parse({ [name]: 'x' }))).toEqual({
      code: 'parameter-unsupported',
      facts: { parameter: name },
    });
    expect(exportOutcomes['parameter-unsupported'].status).toBe(400);
  });
  test.each(others)('%s is left out and reported once in lenient mode', (name) => {
    expect(parse({ [name]: ['x', 'y'], _type: 'Patient' }, true)).toEqual({
      types: ['Patient'],
      since: undefined,
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
  test.each(['_since', '_outputFormat', 'allowPartialManifests'])('%s given twice is refused', (name) => {
    expect(refusalOf(() => parse({ [name]: ['ndjson', 'ndjson'] }))).toEqual({
      code: 'parameter-repeated',
      facts: { parameter: name },
    });
  });
});

describe('the body of a POST (P2P-20)', () => {
  test('no body, and Parameters without any, ask for everything', () => {
    expect(parametersOfBody(undefined)).toEqual([]);
    expect(parametersOfBody({ resourceType: 'Parameters' })).toEqual([]);
  });
  test('values of any simple type are read, repeats are kept', () => {
    const body = {
      resourceType: 'Parameters',
      parameter: [
        { name: '_type', valueString: 'Patient,Coverage' },
        { name: '_type', valueCode: 'Encounter' },
        { name: '_since', valueInstant: '2026-01-05T16:08:38.956Z' },
        { name: 'allowPartialManifests', valueBoolean: false },
      ],
    };
    expect(parseExportParameters(parametersOfBody(body), false)).toEqual({
      types: ['Patient', 'Coverage', 'Encounter'],
      since: new Date('2026-01-05T16:08:38.956Z'),
      ignored: [],
    });
  });
  test('a parameter that we do not serve is refused as such, whatever its value', () => {
    const body = {
      resourceType: 'Parameters',
      parameter: [{ name: 'patient', valueReference: { reference: 'Patient/1' } }],
    };
    expect(refusalOf(() => parseExportParameters(parametersOfBody(body), false))).toEqual({
      code: 'parameter-unsupported',
      facts: { parameter: 'patient' },
    });
    expect(parseExportParameters(parametersOfBody(body), true).ignored).toEqual([{ parameter: 'patient' }]);
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
    expect(refusalOf(() => parametersOfBody(body))?.code).toBe(code);
  });
  test('no body whatsoever makes the parser fail otherwise than by a refusal', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (body, lenient) => {
        refusalOf(() => parseExportParameters(parametersOfBody(body), lenient));
        refusalOf(() =>
          parseExportParameters(parametersOfBody({ resourceType: 'Parameters', parameter: body }), lenient),
        );
      }),
    );
  });
});
