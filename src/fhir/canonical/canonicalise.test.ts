import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharedData, sharedDataPresent } from '../../../test/support/shared-data.ts';
import { CanonicalRefusal, canonicalise, isCanonical } from './canonicalise.ts';
import { spliceMeta, splitMeta } from './meta.ts';

const canonical = (text: string): string => canonicalise(Buffer.from(text));
const reasonOf = (text: string | Buffer): string | undefined => {
  try {
    canonicalise(Buffer.from(text as string));
    return undefined;
  } catch (error) {
    return error instanceof CanonicalRefusal ? error.reason : String(error);
  }
};

test('whitespace goes, and numbers and strings stay as they were written', () => {
  expect(canonical(' { "a" : 1.50 , "b":[ 1e2, -0.0,\n12345678901234567890 ] ,\t"c":"x y\\u00e9" } ')).toBe(
    '{"a":1.50,"b":[1e2,-0.0,12345678901234567890],"c":"x y\\u00e9"}',
  );
});

test.each([
  ['{"a":1,"a":2}', 'duplicate-key'],
  ['{"o":{"x":1,"y":2,"x":3}}', 'duplicate-key'],
  ['{"\\u0061":1}', 'escaped-key'],
  ['[1]', 'not-an-object'],
  ['"text"', 'not-an-object'],
  ['', 'not-json'],
  ['{"a":1}{', 'not-json'],
  ['{"a":01}', 'not-json'],
  ['{"a":1.}', 'not-json'],
  ['{"a":.5}', 'not-json'],
  ['{"a":"\u0001"}', 'not-json'],
  ['{"a":"\\x"}', 'not-json'],
  ['{"a":tru}', 'not-json'],
  ['{"a":NaN}', 'not-json'],
  ["{'a':1}", 'not-json'],
  ['{"a":1,}', 'not-json'],
  [`{"a":${'['.repeat(200)}${']'.repeat(200)}}`, 'too-deep'],
])('%s is refused: %s', (text, reason) => {
  expect(reasonOf(text)).toBe(reason);
});

test('bytes that are no UTF-8 are refused', () => {
  expect(reasonOf(Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]))).toBe('not-utf8');
});

test('the same key in different objects is no duplicate', () => {
  expect(canonical('{"a":{"a":1},"b":[{"a":1},{"a":2}]}')).toBe('{"a":{"a":1},"b":[{"a":1},{"a":2}]}');
});

test('any object, printed in any way, becomes what JSON.stringify prints', () => {
  const keys = fc.string().filter((key) => !/["\\\p{C}]/u.test(key) && key !== '__proto__');
  const object = fc.dictionary(
    keys,
    fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(object, fc.integer({ min: 0, max: 4 }), (value, indent) => {
      const text = JSON.stringify(value);
      fc.pre(reasonOf(text) === undefined);
      expect(canonical(JSON.stringify(value, undefined, indent))).toBe(text);
      expect(isCanonical(text)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('what canonicalise accepts JSON.parse reads as the same value, and what it takes for broken JSON JSON.parse refuses too', () => {
  const noise = fc
    .array(
      fc.constantFrom('{', '}', '[', ']', '"', ':', ',', 'a', '1', '\\', 'u0041', ' ', 'true', 'null', '-', '.', 'e'),
    )
    .map((parts) => `{"k":${parts.join('')}}`);
  fc.assert(
    fc.property(noise, (text) => {
      const reason = reasonOf(text);
      if (reason === undefined) expect(JSON.parse(canonical(text))).toEqual(JSON.parse(text));
      else if (reason === 'not-json') expect(() => JSON.parse(text)).toThrow();
    }),
    { numRuns: 5000 },
  );
});

describe.skipIf(!sharedDataPresent)('the JSON parsing suite', () => {
  const folder = sharedData('invalid', 'json-parsing');
  const files = sharedDataPresent ? readdirSync(folder).filter((file) => file.endsWith('.json')) : [];
  test.each(files)('%s gets a clean refusal or a correct acceptance', (file) => {
    const bytes = readFileSync(`${folder}/${file}`);
    const reason = reasonOf(bytes);
    if (file.startsWith('n_')) expect(reason).toBeDefined();
    if (reason === undefined) expect(JSON.parse(canonicalise(bytes))).toEqual(JSON.parse(bytes.toString('utf8')));
    else
      expect(['not-utf8', 'not-json', 'not-an-object', 'duplicate-key', 'escaped-key', 'too-deep']).toContain(reason);
    if (file.startsWith('y_') && reason !== undefined)
      expect(['not-an-object', 'duplicate-key', 'escaped-key']).toContain(reason);
  });
});

test('the server’s elements of meta are taken out and go in again, whatever else meta holds', () => {
  const cases = [
    [
      '{"resourceType":"Patient","id":"a"}',
      '{"resourceType":"Patient","meta":{"versionId":"3","lastUpdated":"T"},"id":"a"}',
    ],
    [
      '{"resourceType":"Patient","meta":{"versionId":"1"}}',
      '{"resourceType":"Patient","meta":{"versionId":"3","lastUpdated":"T"}}',
    ],
    [
      '{"resourceType":"Patient","id":"a\\"}","meta":{"versionId":"9","profile":["p"],"lastUpdated":"2020-01-01T00:00:00Z","source":"s"}}',
      '{"resourceType":"Patient","id":"a\\"}","meta":{"versionId":"3","lastUpdated":"T","profile":["p"],"source":"s"}}',
    ],
  ] as const;
  for (const [given, stored] of cases) {
    const split = splitMeta(given);
    expect(spliceMeta(split, 3, 'T')).toBe(stored);
    expect(splitMeta(stored).text).toBe(split.text);
  }
  expect(splitMeta(cases[2][0]).lastUpdated).toBe('2020-01-01T00:00:00Z');
});
