import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isNpi } from './organizations.ts';

test('the published example of an NPI is one: 1234567893 (CMS, NPI check digit)', () => {
  expect(isNpi('1234567893')).toBe(true);
});

test('of the ten numbers that differ in the last digit exactly one is an NPI', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100_000_000, max: 299_999_999 }), (nine) => {
      expect([...'0123456789'].filter((digit) => isNpi(`${nine}${digit}`))).toHaveLength(1);
    }),
  );
});

test('another digit in any place is found', () => {
  for (let place = 1; place < 10; place++)
    for (const digit of '0123456789') {
      const changed = [...'1234567893'];
      if (changed[place] === digit) continue;
      changed[place] = digit;
      expect(isNpi(changed.join(''))).toBe(false);
    }
});

test.each(['', '123456789', '12345678930', '3234567893', '123456789X', ' 1234567893'])('%s is none', (text) => {
  expect(isNpi(text)).toBe(false);
});
