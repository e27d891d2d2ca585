import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isExportRefusal } from './export-refusals.ts';
import { parseTypeFilters, TYPE_FILTERS_MAX } from './type-filters.ts';

const all = (): boolean => true;
const parse = (...values: string[]) => parseTypeFilters(values, all, [], undefined);
const lenient = (...values: string[]) => {
  const left: string[] = [];
  return { filters: parseTypeFilters(values, all, [], (type) => left.push(type)), left };
};
function refusalOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!isExportRefusal(error)) throw error;
    return [error.code, error.facts];
  }
}

describe('_typeFilter (P2P-28)', () => {
  test('repeats and comma lists are one list; commas inside a search stay in it', () => {
    const one = { type: 'MedicationRequest', query: 'MedicationRequest?status=active,completed' };
    const two = { type: 'Observation', query: 'Observation?code=http://loinc.org|1-2,http://loinc.org|3-4' };
    expect(parse(one.query, two.query)).toEqual([one, two]);
    expect(parse(`${one.query},${two.query}`)).toEqual([one, two]);
  });
  test('a search that is encoded as a whole is read, too (the valueString of a POST)', () => {
    expect(parse('Observation%3Fcategory%3Dlaboratory%2Cvital-signs')).toEqual([
      { type: 'Observation', query: 'Observation?category=laboratory,vital-signs' },
    ]);
  });
  test.each([
    '',
    'Observation',
    'Observation?',
    '?code=1',
    'Observation?code',
    'Observation?date=yesterday',
    'observation?code=1',
    'Observation?code=%ZZ',
    'Observation?code=',
  ])('"%s" is no search: refused in both modes', (value) => {
    expect(refusalOf(() => parse(value))).toMatchObject(['type-filter-malformed', { parameter: '_typeFilter' }]);
    expect(refusalOf(() => lenient(value))).toMatchObject(['type-filter-malformed', { parameter: '_typeFilter' }]);
  });
  test.each([
    ['Observation?nonsense=1', 'nonsense'],
    ['Observation?subject.name=x', 'subject.name'],
    ['Observation?subject:Patient.name=x', 'subject:Patient.name'],
    ['Observation?_has:Provenance:target:agent=x', '_has:Provenance:target:agent'],
    ['Observation?code:in=x', 'code:in'],
    ['Observation?_sort=date', '_sort'],
    ['Observation?_include=Observation:subject', '_include'],
    ['Observation?_elements=id', '_elements'],
    ['Observation?_count=5', '_count'],
    ['Location?near=1|2', 'near'],
    ['Patient?_text=x', '_text'],
  ])('%s is not supported: refused by the name of its parameter, never passed over', (value, search) => {
    const type = value.split('?')[0];
    expect(refusalOf(() => parse(value))).toEqual([
      'type-filter-unsupported',
      { parameter: '_typeFilter', type, search },
    ]);
  });
  test('a type that is not asked for or never exported is refused', () => {
    const outside = ['type-filter-outside-types', { parameter: '_typeFilter', type: 'Observation' }];
    expect(
      refusalOf(() => parseTypeFilters(['Observation?code=1'], (type) => type === 'Patient', [], undefined)),
    ).toEqual(outside);
    expect(refusalOf(() => parse('Claim?status=active'))).toMatchObject([
      'type-filter-outside-types',
      { type: 'Claim' },
    ]);
    expect(refusalOf(() => parse('Nonsense?x=1'))).toMatchObject(['type-filter-outside-types', { type: 'Nonsense' }]);
  });
  test('in lenient mode what is not supported takes all filters of its type with it, each type once, and others stay', () => {
    expect(
      lenient(
        'Observation?code=1',
        'Patient?gender=female',
        'Observation?nonsense=1',
        'Observation?code:in=x',
        'Claim?use=claim',
      ),
    ).toEqual({ filters: [{ type: 'Patient', query: 'Patient?gender=female' }], left: ['Observation', 'Claim'] });
  });
  test('there is a bound on filters', () => {
    const many = (count: number) => () => parse(...Array.from({ length: count }, () => 'Patient?gender=male'));
    expect(many(TYPE_FILTERS_MAX)()).toHaveLength(TYPE_FILTERS_MAX);
    expect(refusalOf(many(TYPE_FILTERS_MAX + 1))).toMatchObject(['type-filter-malformed', {}]);
  });
  test('no text whatsoever makes it fail otherwise than by a refusal', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', 'Patient?', 'Observation?code', 'Observation?date='),
        fc.string(),
        (start, text) => {
          refusalOf(() => parse(start + text));
          refusalOf(() => lenient(start + text));
        },
      ),
    );
  });
});
