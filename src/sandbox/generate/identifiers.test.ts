import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generatedWorlds, walk } from '../../../test/support/generated.ts';
import { npi } from './identifiers.ts';

const doubled = (digit: number): number => (digit * 2 > 9 ? digit * 2 - 9 : digit * 2);

/** Luhn over the prefix 80840, as the rule us-core-17 words it: from the right, every second digit doubled. */
function isNpi(text: string): boolean {
  const digits = [...`80840${text}`].map(Number).reverse();
  return (
    /^\d{10}$/.test(text) &&
    digits.reduce((sum, digit, index) => sum + (index % 2 === 1 ? doubled(digit) : digit), 0) % 10 === 0
  );
}

test('an NPI ends in the Luhn check digit over 80840 and its nine digits (PA-92)', () => {
  expect(npi('123456789')).toBe('1234567893');
  expect(isNpi('1234567890')).toBe(false);
  fc.assert(fc.property(fc.stringMatching(/^[12]\d{8}$/), (digits) => isNpi(npi(digits))));
});

test('every NPI, NAIC code and tax number of the sandbox has the form its authority gives it (PA-92)', () => {
  const identifiers = Object.values(generatedWorlds(20))
    .flat()
    .flatMap((resource) => [...walk(resource)].map(({ value }) => value))
    .filter(({ system, value }) => typeof system === 'string' && typeof value === 'string');
  const of = (system: string): string[] =>
    identifiers.filter((each) => each.system === system).map(({ value }) => value);
  const npis = of('http://hl7.org/fhir/sid/us-npi');
  expect(npis.length).toBeGreaterThan(20);
  expect(npis.filter((each) => !isNpi(each))).toEqual([]);
  expect(of('urn:oid:2.16.840.1.113883.6.300').filter((each) => !/^\d{5}$/.test(each))).toEqual([]);
  expect(of('urn:oid:2.16.840.1.113883.4.4').filter((each) => !/^\d{2}-\d{7}$/.test(each))).toEqual([]);
});
