import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NORMALISED_LENGTH_MAX, normaliseIdentifier, normaliseName, normalisePostalCode } from './normalise.ts';

describe('names (payer-to-payer.md 1.5, step 1)', () => {
  test.each([
    ['Núñez', 'NUNEZ'],
    ["O'Brien-Smith", 'OBRIENSMITH'],
    ['O’Brien Smith', 'OBRIENSMITH'],
    ['young', 'YOUNG'],
    ['Young Jr.', 'YOUNG'],
    ['Young, III', 'YOUNG'],
    ['Straße', 'STRASSE'],
    ['ﬁnn', 'FINN'],
    ['Nguyễn', 'NGUYEN'],
    ['Mayte822', 'MAYTE822'],
    ['李', '李'],
  ])('%s is compared as %s', (given, expected) => {
    expect(normaliseName(given)).toBe(expected);
  });

  test('a suffix that is the whole name stays, and a suffix inside a word is none', () => {
    expect(normaliseName('Sr')).toBe('SR');
    expect(normaliseName('Srivastava')).toBe('SRIVASTAVA');
    expect(normaliseName('Jriv')).toBe('JRIV');
  });

  test('a name of punctuation alone, or one that is far too long, compares as nothing', () => {
    expect(normaliseName("'-. ")).toBe('');
    expect(normaliseName('x'.repeat(NORMALISED_LENGTH_MAX))).toHaveLength(NORMALISED_LENGTH_MAX);
    expect(normaliseName('x'.repeat(NORMALISED_LENGTH_MAX + 1))).toBe('');
  });

  test('case, composition and spacing never change how a name compares', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (name) => {
        const normal = normaliseName(name);
        expect(normaliseName(name.normalize('NFD'))).toBe(normal);
        expect(normaliseName(`  ${name}. `)).toBe(normal);
        expect(normaliseName(normal)).toBe(normal);
      }),
    );
  });
});

describe('identifiers (payer-to-payer.md 1.5, step 1)', () => {
  test.each([
    [' dh-1000 1235 ', 'DH10001235'],
    ['17148123-47da-43a0-8401-8d5d1368db02', '1714812347DA43A084018D5D1368DB02'],
    ['a–b', 'AB'],
    ['12.3', '12.3'],
    ['a\u0000b', 'AB'],
  ])('%j is compared as %s', (given, expected) => {
    expect(normaliseIdentifier(given)).toBe(expected);
  });

  test('normalising twice changes nothing, and no value that PostgreSQL cannot hold comes out', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (value) => {
        const normal = normaliseIdentifier(value);
        expect(normaliseIdentifier(normal)).toBe(normal);
        expect(normal).not.toContain('\u0000');
      }),
    );
  });
});

test('a nine-digit ZIP code compares by its first five digits', () => {
  expect(normalisePostalCode('02114-1234')).toBe('02114');
  expect(normalisePostalCode('02114')).toBe('02114');
  expect(normalisePostalCode('k1a 0b1')).toBe('K1A0B1');
});
