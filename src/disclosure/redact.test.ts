import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeRandom, randomResource, SECRET_AMOUNT } from '../../test/support/random-resources.ts';
import { redactText } from '../../test/support/redact-text.ts';
import { redactByObject } from '../../test/support/redaction-oracle.ts';
import { isCanonical } from '../fhir/canonical/canonicalise.ts';
import { dayOf } from '../sandbox/generate/calendar.ts';
import { population } from '../sandbox/generate/population.ts';
import { settingsOf } from '../tenants/settings.ts';
import { gateLine } from './output-gate.ts';

const usual = settingsOf('production', {});
const strict = { addRedactedLabel: false, dropProcessNotes: true, dropRemittanceReasonCodes: true };

describe('P2P-59 P2P-61 the redactor leaves, byte for byte, what redaction by objects leaves', {
  timeout: 120_000,
}, () => {
  test('of a generated plan', () => {
    let claims = 0;
    for (const resource of population({ members: 30, seed: 'redact', asOf: dayOf(2026, 1, 1) })) {
      const text = JSON.stringify(resource);
      for (const settings of [usual, strict]) expect(redactText(text, settings)).toBe(redactByObject(text, settings));
      if (resource.resourceType === 'ExplanationOfBenefit') claims++;
    }
    expect(claims).toBeGreaterThan(200);
  });

  test('of random resources of every shape, with strings and numbers in every spelling', () => {
    const random = makeRandom(20_261_125);
    for (let i = 0; i < 2_500; i++) {
      const resource = randomOne(i, random);
      const text = spelled(resource, random);
      const settings = i % 2 === 0 ? usual : strict;
      const redacted = redactText(text, settings);
      expect(redacted).toBe(redactByObject(text, settings));
      expect(isCanonical(redacted), redacted).toBe(true);
    }
  });

  test('of hostile JSON put in anywhere: quotes, backslashes, names of money, empty and deep values, long numbers', () => {
    const settings = usual;
    fc.assert(
      fc.property(fc.nat(), fc.array(hostile, { minLength: 1, maxLength: 4 }), (seed, values) => {
        const random = makeRandom(seed);
        const resource = randomOne(seed, random);
        for (const value of values) plant(resource, structuredClone(value), random);
        const text = spelled(resource, random);
        const redacted = redactText(text, settings);
        expect(redacted).toBe(redactByObject(text, settings));
        expect(isCanonical(redacted)).toBe(true);
        if (redacted.includes(String(SECRET_AMOUNT)) && /"(?:currency|valueMoney)"/.test(redacted))
          expect(gateLine(redacted)).toBeDefined();
      }),
      { numRuns: 1_200 },
    );
  });
});

test('numbers keep their digits, strings their escapes, also where a neighbour goes', () => {
  const text =
    '{"resourceType":"ExplanationOfBenefit","id":"e","meta":{"versionId":"1"},"status":"active","use":"claim",' +
    '"item":[{"sequence":1,"net":{"value":1.50},"quantity":{"value":1.500,"extension":[{"url":"u","valueString":"\\u00e9\\/\\\\"}]}},' +
    '{"sequence":12345678901234567890,"unitPrice":{"value":2}}],"total":[{"amount":{"value":9}}]}';
  expect(redactText(text, strict)).toBe(
    '{"resourceType":"ExplanationOfBenefit","id":"e","meta":{"versionId":"1"},"status":"active","use":"claim",' +
      '"item":[{"sequence":1,"quantity":{"value":1.500,"extension":[{"url":"u","valueString":"\\u00e9\\/\\\\"}]}},' +
      '{"sequence":12345678901234567890}]}',
  );
});

test('a line that is not canonical is brought into that form first; one with a key twice or escaped is refused', () => {
  const claim = { resourceType: 'ExplanationOfBenefit', id: 'e', use: 'claim', total: [{ amount: { value: 1 } }] };
  const spaced = JSON.stringify(claim, undefined, 2);
  expect(redactText(spaced, strict)).toBe('{"resourceType":"ExplanationOfBenefit","id":"e","use":"claim"}');
  expect(redactText(spaced.replace('"total":', '"total" :'), strict)).not.toContain('amount');
  const refused = (text: string) => expect(() => redactText(text, strict)).toThrow(SyntaxError);
  refused('{"resourceType":"ExplanationOfBenefit","use":"preauthorization","use":"claim", "total":[]}');
  refused('{"resourceType":"ExplanationOfBenefit","us\\u0065":"claim"}');
  refused('{"resourceType":"ExplanationOfBenefit"');
  refused('[]');
});

test.each([
  '"system":"urn:iso:std:iso:4\\u0032\\u0031\\u0037"',
  '"system":"urn:iso:std:iso:\\u003421\\u0037"',
  '"unit":"\\u0055SD"',
  '"unit":"U\\u0053D"',
  '"unit":"NZ\\u0024"',
  '"code":"N\\u005a$"',
  '"unit":" usd "',
  '"unit":"\\tEUR"',
  '"unit":"NZ$"',
])('P2P-59 a currency is one in every spelling: %s', (unit) => {
  const quantity = `{"value":1,${unit}}`;
  const text = `{"resourceType":"Observation","id":"o","valueQuantity":${quantity},"component":[{"valueQuantity":${quantity}}]}`;
  expect(redactText(text, usual)).toBe('{"resourceType":"Observation","id":"o"}');
  expect(redactText(text, usual)).toBe(redactByObject(text, usual));
});

test('with a key twice, in the stored form, nothing with an amount passes the redactor and the gate', () => {
  const amount = '{"value":73519.46,"currency":"USD"}';
  const lines = [
    `{"resourceType":"Patient","resourceType":"ExplanationOfBenefit","payment":{"amount":${amount}}}`,
    `{"resourceType":"ExplanationOfBenefit","use":"preauthorization","use":"claim","total":[{"amount":${amount}}]}`,
    `{"resourceType":"ExplanationOfBenefit","use":"claim","use":"preauthorization","total":[{"amount":${amount},"amount":${amount}}]}`,
    `{"resourceType":"ExplanationOfBenefit","item":[],"item":[{"net":${amount},"net":${amount}}]}`,
    `{"resourceType":"Observation","valueQuantity":{"value":1},"valueQuantity":{"value":73519.46,"unit":"USD"}}`,
  ];
  for (const line of lines) {
    const redacted = redactText(line, usual);
    expect(gateLine(redacted) !== undefined || !redacted.includes('73519.46'), redacted).toBe(true);
  }
});

test('the label REDACTED comes behind the id where there is no meta, and in front where there is no id', () => {
  const label =
    '"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED"}]}';
  const claim = (members: string) => `{"resourceType":"ExplanationOfBenefit"${members},"use":"claim"}`;
  expect(redactText(claim(',"id":"e"'), usual)).toBe(claim(`,"id":"e",${label}`));
  expect(redactText(claim(''), usual)).toBe(`{${label},${claim('').slice(1)}`);
  expect(redactText(claim(',"id":{"currency":1}'), usual)).toBe(`{${label},${claim('').slice(1)}`);
});

type Random = ReturnType<typeof makeRandom>;

function randomOne(i: number, random: Random): Record<string, unknown> {
  const type = ['ExplanationOfBenefit', 'ExplanationOfBenefit', 'Coverage', 'Observation', 'DocumentReference'][i % 5]!;
  const resource = randomResource(type, random, new Map());
  if (type === 'ExplanationOfBenefit') resource.use = random.chance(0.4) ? 'preauthorization' : 'claim';
  if (random.chance(0.4))
    resource.meta = {
      lastUpdated: '2020-01-01T00:00:00Z',
      profile: [
        `http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-${['Oral', 'Pharmacy', 'Inpatient-Institutional'][random.below(3)]}|2.0.0`,
        'http://example.org/p',
      ],
      ...(random.chance(0.5) ? { security: [{ system: 'urn:s', code: random.chance(0.5) ? 'N' : 'REDACTED' }] } : {}),
      ...(random.chance(0.3) ? { tag: [{ code: 'é' }] } : {}),
    };
  if (random.chance(0.1)) delete resource.id;
  return resource;
}

const NAMES = [
  'amount',
  'net',
  'currency',
  'valueMoney',
  'code',
  'unit',
  'system',
  'value',
  'category',
  'coding',
  'item',
  'extension',
  'url',
  'a"b',
  '_id',
  'é',
];
const TEXTS = [
  '"',
  '\\',
  '\\"',
  '"}],{"amount":{"value":1}',
  ' USD ',
  'usd',
  '$',
  'urn:iso:std:iso:4217',
  'x\u0000y',
  '\u2028',
  '',
  'EURO',
  'US Dollars',
  'CA$',
];
const hostile = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'medium' },
    fc.constantFrom(...TEXTS),
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, false, [], {}, SECRET_AMOUNT),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 5 }),
    fc.nat({ max: 60 }).map(nested),
  ),
})).value;

/** The canonicaliser takes 100 levels. */
function nested(levels: number): unknown {
  let value: unknown = 'deep';
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { extension: value };
  return value;
}

/** Puts a value in the place of, or beside, something that is there. */
function plant(resource: Record<string, unknown>, value: unknown, random: Random): void {
  let target: Record<string, unknown> | unknown[] = resource;
  for (;;) {
    const keys: string[] = Object.keys(target).filter((key) => key !== 'resourceType');
    const key = keys[random.below(keys.length)];
    const inner = key === undefined ? undefined : (target as Record<string, unknown>)[key];
    if (typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && random.chance(0.75)) {
      target = inner as Record<string, unknown>;
      continue;
    }
    if (Array.isArray(target)) target.push(value);
    else target[random.chance(0.5) && key !== undefined ? key : NAMES[random.below(NAMES.length)]!] = value;
    return;
  }
}

/** Prints canonical JSON with any spelling of strings and numbers that JSON allows. */
function spelled(value: unknown, random: Random): string {
  if (Array.isArray(value)) return `[${value.map((item) => spelled(item, random)).join(',')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .filter(([key]) => !key.includes('"'))
      .map(([key, member]) => `"${key}":${spelled(member, random)}`)
      .join(',')}}`;
  const usually = JSON.stringify(value);
  if (typeof value === 'number' && Number.isInteger(value) && random.chance(0.3))
    return usually.includes('e')
      ? usually
      : [`${usually}.00`, `${usually}e0`, `${usually}.${'0'.repeat(60)}1E-0`][random.below(3)]!;
  if (typeof value === 'string' && random.chance(0.1))
    return `"${[...value].map((char) => (char.length === 1 && random.chance(0.5) ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : JSON.stringify(char).slice(1, -1).replace('/', '\\/'))).join('')}"`;
  return usually;
}
