import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCertainlyAfter } from './dates.ts';
import { base64Bytes } from './primitives.ts';
import { validateResource } from './validate.ts';

/** An extension's value may be of any type, so it tries every primitive. */
function isGood(type: string, value: unknown): boolean {
  const key = `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;
  const resource = {
    resourceType: 'Basic',
    code: { text: 'x' },
    extension: [{ url: 'http://example.org/x', [key]: value }],
  };
  return validateResource(resource).length === 0;
}

/** https://hl7.org/fhir/R4/datatypes.html#primitive */
const FORMS: Readonly<Record<string, { good: readonly unknown[]; bad: readonly unknown[] }>> = {
  boolean: { good: [true, false], bad: ['true', 1, 0, 'false'] },
  integer: { good: [0, -1, 2147483647, -2147483648], bad: [1.5, 2147483648, -2147483649, '1', true] },
  unsignedInt: { good: [0, 1, 2147483647], bad: [-1, 0.5, 2147483648, '0'] },
  positiveInt: { good: [1, 2147483647], bad: [0, -1, 1.5, '1'] },
  decimal: { good: [0, -1.5, 1e21, 0.1], bad: ['1.0', Number.POSITIVE_INFINITY, true] },
  string: {
    good: ['a', ' a ', 'line\nline\ttab\r', 'Ünï', '\u0013'],
    bad: ['', 'nul\u0000', 'bell\u0007', 7, true, {}],
  },
  markdown: { good: ['# a\n\nb', 'a < b'], bad: ['', 'nul\u0000', 7] },
  code: { good: ['a', 'a b', 'a-b.c'], bad: ['', ' a', 'a ', 'a  b', 'a\n\nb', 7] },
  id: { good: ['a', 'A-1.b', 'a'.repeat(64)], bad: ['', 'a_b', 'a b', 'a/b', 'a'.repeat(65), 7] },
  uri: {
    good: ['http://example.org', 'urn:oid:1.2.3', 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', 'a', 'urn:x:y'],
    bad: ['', 'http://a b', 'urn:oid:1.02', 'urn:oid:3.1', 'urn:uuid:c757873d', 'a\n', 7],
  },
  url: { good: ['https://example.org/a?b=c'], bad: ['', 'a b'] },
  canonical: { good: ['http://example.org/a|1.0', 'http://example.org/a|1.0#b'], bad: ['', 'a b'] },
  oid: { good: ['urn:oid:2.16.840.1'], bad: ['2.16.840.1', 'urn:oid:a', 'urn:oid:1'] },
  uuid: { good: ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520'], bad: ['c757873d-ec9a-4326-a141-556f43239520'] },
  date: {
    good: ['2024', '2024-02', '2024-02-29', '1900-01-01', '2000-02-29'],
    bad: [
      '24',
      '2024-13',
      '2024-00',
      '2024-02-30',
      '2023-02-29',
      '1900-02-29',
      '2024-04-31',
      '2024-1-1',
      '0000',
      '2024-01-01T00:00:00Z',
      '01/02/2024',
      '',
    ],
  },
  dateTime: {
    good: [
      '2024',
      '2024-02',
      '2024-02-29',
      '2024-02-29T23:59:60Z',
      '2024-01-01T00:00:00.123+14:00',
      '2024-01-01T00:00:00-05:00',
    ],
    bad: [
      '2024-01-01T00:00:00',
      '2024-01-01T00:00Z',
      '2024-01-01T24:00:00Z',
      '2024-02-30T00:00:00Z',
      '2024-01-01T00:00:00+15:00',
      '2024-01-01 00:00:00Z',
    ],
  },
  instant: {
    good: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000001-11:30'],
    bad: ['2024-01-01', '2024-01-01T00:00:00', '2024-02-30T00:00:00Z', '2024'],
  },
  time: { good: ['00:00:00', '23:59:59.5'], bad: ['24:00:00', '00:00', '00:00:00Z'] },
  base64Binary: { good: ['YQ==', 'YWI=', 'YWJj', 'YW Jj\n'], bad: ['', 'YQ', 'Y===', '%%%2@()', 'YWJj=', 'YW=j'] },
};

describe.each(Object.entries(FORMS))('%s', (type, { good, bad }) => {
  test.each(good.map((value) => [value]))('takes %j', (value) => {
    expect(isGood(type, value)).toBe(true);
  });
  test.each(bad.map((value) => [value]))('refuses %j', (value) => {
    expect(isGood(type, value)).toBe(false);
  });
});

test('every day that the calendar has is a date, and no other (property)', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9999 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 31 }),
      (year, month, day) => {
        const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        const real = new Date(`${text}T00:00:00Z`);
        const exists = !Number.isNaN(real.getTime()) && real.toISOString().startsWith(text);
        expect(isGood('date', text)).toBe(exists);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('base64 length is what decoding gives (property)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
      expect(base64Bytes(Buffer.from(bytes).toString('base64'))).toBe(bytes.length);
    }),
  );
});

test('messages never quote the value', () => {
  const secret = 'Jay Young 123-45-6789';
  for (const type of Object.keys(FORMS)) {
    const key = `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;
    const issues = validateResource({
      resourceType: 'Basic',
      code: { text: 'x' },
      extension: [{ url: 'http://example.org/x', [key]: `${secret}\u0000` }],
    });
    expect(issues.length).toBeGreaterThan(0);
    expect(JSON.stringify(issues)).not.toContain('Jay');
  }
});

describe('later than, as far as both go', () => {
  test.each([
    ['2024-02', '2024-01', true],
    ['2024-01-02', '2024-01-01', true],
    ['2024-01-01', '2024-01-01', false],
    ['2024', '2024-05-01', false],
    ['2025', '2024-05-01', true],
    ['2024-01-01T10:00:00Z', '2024-01-01T09:00:00Z', true],
    ['2024-01-01T10:00:00+05:00', '2024-01-01T09:00:00Z', false],
    // A day beside a point in time may be the same day somewhere.
    ['2024-01-02', '2024-01-01T23:00:00-05:00', false],
    ['2024-01-03', '2024-01-01T23:00:00-05:00', true],
  ])('%s after %s: %j', (first, second, isAfter) => {
    expect(isCertainlyAfter(first, second)).toBe(isAfter);
  });
});
