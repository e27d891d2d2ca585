import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileSearch } from './compile-search.ts';
import { parseSearchQuery } from './parse-query.ts';

// What holds of every search, whatever the data: each parameter type from both sides.

const NOW = new Date('2026-11-25T12:00:00Z');
type Resource = Readonly<Record<string, unknown>>;
const finds = (query: string, resource: Resource): boolean => compileSearch(parseSearchQuery(query), NOW)(resource);
const escaped = (text: string): string => encodeURIComponent(text.replace(/[\\,|$]/g, '\\$&'));

const partialDate = fc
  .tuple(
    fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
    fc.constantFrom(4, 7, 10, 16, 19, 23),
  )
  .map(([date, length]) => date.toISOString().slice(0, length) + (length > 10 ? 'Z' : ''));
/** dateTime of a resource has seconds. */
const storedDate = partialDate.filter((text) => text.length !== 17);
const code = fc.stringMatching(/^[a-z0-9-]{1,8}$/);
const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== '');

describe('dates', () => {
  const born = (birthDate: string): Resource => ({ resourceType: 'Patient', birthDate });
  const of = (prefix: string, asked: string, stored: string) =>
    finds(`Patient?birthdate=${prefix}${asked}`, born(stored));
  test('a date is equal to itself at every precision, and no other prefix contradicts it', () => {
    fc.assert(
      fc.property(storedDate, (date) => {
        expect(['eq', 'ge', 'le', 'ap', ''].map((prefix) => of(prefix, date, date))).toEqual(Array(5).fill(true));
        expect(['ne', 'gt', 'lt', 'sa', 'eb'].map((prefix) => of(prefix, date, date))).toEqual(Array(5).fill(false));
      }),
    );
  });
  test('ne is not eq; ge is gt or eq; le is lt or eq; sa is gt without overlap, eb is lt without overlap', () => {
    fc.assert(
      fc.property(partialDate, storedDate, (asked, stored) => {
        const [eq, ne, gt, lt, ge, le, sa, eb, ap] = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'].map(
          (prefix) => of(prefix, asked, stored),
        );
        expect(ne).toBe(!eq);
        expect(ge).toBe(gt || eq);
        expect(le).toBe(lt || eq);
        if (sa) expect([gt, eq, lt, eb]).toEqual([true, false, false, false]);
        if (eb) expect([lt, eq, gt, sa]).toEqual([true, false, false, false]);
        expect(gt || lt || eq).toBe(true);
        if (eq) expect(ap).toBe(true);
      }),
    );
  });
});

describe('numbers', () => {
  const measured = (value: number): Resource => ({ resourceType: 'Observation', valueQuantity: { value } });
  const number = fc.integer({ min: -100_000, max: 100_000 }).map((n) => n / 100);
  test('a number is equal to what its own digits say; the prefixes partition', () => {
    fc.assert(
      fc.property(number, number, (asked, stored) => {
        const of = (prefix: string, on: number) => finds(`Observation?value-quantity=${prefix}${asked}`, measured(on));
        expect(of('eq', asked)).toBe(true);
        expect(of('ne', stored)).toBe(!of('eq', stored));
        expect(of('gt', stored)).toBe(stored > asked);
        expect(of('le', stored)).toBe(stored <= asked);
        expect(of('ge', stored)).toBe(!of('lt', stored));
        expect([of('sa', stored), of('eb', stored)]).toEqual([stored > asked, stored < asked]);
      }),
    );
  });
});

describe('strings', () => {
  const named = (family: string): Resource => ({ resourceType: 'Patient', name: [{ family }] });
  test('every string finds itself, exactly and by its beginning, whatever characters are in it', () => {
    fc.assert(
      fc.property(word, (text) => {
        expect(finds(`Patient?family:exact=${escaped(text)}`, named(text))).toBe(true);
        expect(finds(`Patient?family=${escaped(text)}`, named(`${text}more`))).toBe(true);
        expect(finds(`Patient?family:contains=${escaped(text)}`, named(`x ${text}`))).toBe(true);
        expect(finds(`Patient?family:exact=${escaped(text)}`, named(`${text}x`))).toBe(false);
      }),
    );
  });
  test('what is found exactly is found by its beginning, and what by its beginning is found inside', () => {
    fc.assert(
      fc.property(word, word, (asked, stored) => {
        const of = (modifier: string) => finds(`Patient?family${modifier}=${escaped(asked)}`, named(stored));
        if (of(':exact')) expect(of('')).toBe(true);
        if (of('')) expect(of(':contains')).toBe(true);
      }),
    );
  });
});

describe('tokens', () => {
  const coded = (codings: readonly object[]): Resource => ({ resourceType: 'Observation', code: { coding: codings } });
  const codings = fc.array(fc.record({ system: fc.constantFrom('urn:a', 'urn:b'), code }), { maxLength: 3 });
  test(':not is the contrary; a list is its parts or-ed; two parameters are and-ed', () => {
    fc.assert(
      fc.property(codings, code, code, (list, one, two) => {
        const resource = coded(list);
        const of = (query: string) => finds(`Observation?${query}`, resource);
        expect(of(`code:not=${one}`)).toBe(!of(`code=${one}`));
        expect(of(`code=${one},${two}`)).toBe(of(`code=${one}`) || of(`code=${two}`));
        expect(of(`code=${one}&code=${two}`)).toBe(of(`code=${one}`) && of(`code=${two}`));
        for (const { system, code: own } of list)
          expect([of(`code=${own}`), of(`code=${system}|${own}`), of(`code=${system}|`), of(`code=|${own}`)]).toEqual([
            true,
            true,
            true,
            false,
          ]);
      }),
    );
  });
  test(':missing=true is the contrary of :missing=false, and a value that is found is not missing', () => {
    fc.assert(
      fc.property(codings, code, (list, one) => {
        const resource = list.length === 0 ? { resourceType: 'Observation' } : coded(list);
        expect(finds('Observation?code:missing=true', resource)).toBe(
          !finds('Observation?code:missing=false', resource),
        );
        if (finds(`Observation?code=${one}`, resource))
          expect(finds('Observation?code:missing=false', resource)).toBe(true);
      }),
    );
  });
});

test('references: Type/id finds what id finds of that type, and nothing of another', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9.-]{1,10}$/);
  const type = fc.constantFrom('Patient', 'Group', 'Device', 'Location');
  fc.assert(
    fc.property(type, id, type, id, (askedType, askedId, storedType, storedId) => {
      const resource = { resourceType: 'Observation', subject: { reference: `${storedType}/${storedId}` } };
      const same = askedId === storedId;
      expect(finds(`Observation?subject=${askedId}`, resource)).toBe(same);
      expect(finds(`Observation?subject=${askedType}/${askedId}`, resource)).toBe(same && askedType === storedType);
      expect(finds(`Observation?subject:${askedType}=${askedId}`, resource)).toBe(same && askedType === storedType);
      expect(finds(`Observation?subject=${storedType}/${storedId}`, resource)).toBe(true);
    }),
  );
});
