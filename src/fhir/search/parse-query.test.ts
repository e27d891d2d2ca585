import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CRITERIA_MAX, parseSearchQuery, QUERY_CHARACTERS_MAX, VALUES_MAX } from './parse-query.ts';
import { isSearchRefusal } from './search-query.ts';

function refusalOf(query: string): string | undefined {
  try {
    parseSearchQuery(query);
    return undefined;
  } catch (error) {
    if (!isSearchRefusal(error)) throw error;
    return error.facts.parameter === undefined ? error.code : `${error.code} ${error.facts.parameter}`;
  }
}
const shapeOf = (query: string): unknown =>
  parseSearchQuery(query).criteria.map((criterion) =>
    criterion.kind === 'value'
      ? { code: criterion.parameter.code, ...criterion.test, ...(criterion.negated && { negated: true }) }
      : { code: criterion.parameter.code, kind: criterion.kind },
  );

describe('a query is read', () => {
  test('percent-encoded and plain alike', () => {
    const expected = [{ code: 'code', kind: 'token', values: [{ system: 'http://loinc.org', code: '1-2' }] }];
    expect(shapeOf('Observation?code=http%3A%2F%2Floinc.org%7C1-2')).toEqual(expected);
    expect(shapeOf('Observation?code=http://loinc.org|1-2')).toEqual(expected);
    expect(shapeOf('Observation?&code=http://loinc.org|1-2&')).toEqual(expected);
  });
  test('tokens in their four forms', () => {
    expect(shapeOf('Observation?code=a,s|a,|a,s|,a\\,b')).toEqual([
      {
        code: 'code',
        kind: 'token',
        values: [
          { system: undefined, code: 'a' },
          { system: 's', code: 'a' },
          { system: '', code: 'a' },
          { system: 's', code: undefined },
          { system: undefined, code: 'a,b' },
        ],
      },
    ]);
  });
  test('modifiers of each type', () => {
    expect(
      shapeOf(
        'Patient?name:exact=A&name:contains=b&gender:not=male&organization:Organization=1&birthdate:missing=true',
      ),
    ).toEqual([
      { code: 'name', kind: 'string', values: ['A'], match: 'exact' },
      { code: 'name', kind: 'string', values: ['b'], match: 'contains' },
      { code: 'gender', kind: 'token', values: [{ system: undefined, code: 'male' }], negated: true },
      { code: 'organization', kind: 'reference', values: [{ kind: 'local', type: 'Organization', id: '1' }] },
      { code: 'birthdate', kind: 'missing' },
    ]);
  });
});

describe('a query is refused, by the name of its parameter', () => {
  test.each([
    ['', 'search-malformed'],
    ['Patient', 'search-malformed'],
    ['Patient?', 'search-malformed'],
    ['Patient?name', 'search-malformed'],
    ['Patient?=x', 'search-malformed'],
    ['Patient?name=%E0%A4%A', 'search-malformed'],
    ['Nothing?name=x', 'search-type-unknown'],
    ['?name=x', 'search-type-unknown'],
    ['Patient/1?name=x', 'search-type-unknown'],
    ['Patient?constructor=x', 'search-parameter-unknown constructor'],
    ['Patient?Name=x', 'search-parameter-unknown Name'],
    ['Patient?organization.name=x', 'search-parameter-unknown organization.name'],
    ['Patient?_has:Observation:patient:code=x', 'search-parameter-unknown _has:Observation:patient:code'],
    ['Patient?phonetic=x', 'search-parameter-unknown phonetic'],
    ['Patient?_content=x', 'search-parameter-unknown _content'],
    ['Patient?_filter=x', 'search-parameter-unknown _filter'],
    ['Patient?_sort=name', 'search-result-parameter _sort'],
    ['Patient?_revinclude:iterate=x', 'search-result-parameter _revinclude:iterate'],
    ['Patient?gender:in=x', 'search-modifier-unsupported gender:in'],
    ['Patient?gender:exact=x', 'search-modifier-unsupported gender:exact'],
    ['Patient?name:not=x', 'search-modifier-unsupported name:not'],
    ['Patient?birthdate:not=2020', 'search-modifier-unsupported birthdate:not'],
    ['Patient?organization:above=x', 'search-modifier-unsupported organization:above'],
    ['Patient?organization:Nothing=1', 'search-modifier-unsupported organization:Nothing'],
    ['Patient?_profile:below=x', 'search-modifier-unsupported _profile:below'],
    ['Observation?code-value-quantity:not=a$1', 'search-modifier-unsupported code-value-quantity:not'],
    ['Patient?gender=', 'search-value-malformed gender'],
    ['Patient?gender=a,,b', 'search-value-malformed gender'],
    ['Patient?gender=|', 'search-value-malformed gender'],
    ['Patient?gender=a|b|c', 'search-value-malformed gender'],
    ['Patient?gender:missing=yes', 'search-value-malformed gender:missing'],
    ['Patient?birthdate=2026-13', 'search-value-malformed birthdate'],
    ['Patient?birthdate=2026-02-30', 'search-value-malformed birthdate'],
    ['Patient?birthdate=2026-01-01T25:00', 'search-value-malformed birthdate'],
    ['Patient?birthdate=xx2026', 'search-value-malformed birthdate'],
    ['Patient?birthdate=gt', 'search-value-malformed birthdate'],
    ['Patient?organization=a/b/c', 'search-value-malformed organization'],
    ['Patient?organization:Organization=Patient/1', 'search-value-malformed organization:Organization'],
    ['Observation?value-quantity=five', 'search-value-malformed value-quantity'],
    ['Observation?value-quantity=5|a|b|c', 'search-value-malformed value-quantity'],
    ['Observation?value-quantity=5|http://unitsofmeasure.org|', 'search-value-malformed value-quantity'],
    ['Observation?code-value-quantity=a', 'search-value-malformed code-value-quantity'],
    ['Observation?code-value-quantity=a$b', 'search-value-malformed code-value-quantity'],
    ['Observation?code-value-quantity=a$', 'search-value-malformed code-value-quantity'],
  ])('%s: %s', (query, refusal) => {
    expect(refusalOf(query)).toBe(refusal);
  });
  test('bounds on length, parameters and values', () => {
    const list = (count: number, separator: string, one: string) =>
      Array.from({ length: count }, () => one).join(separator);
    expect(refusalOf(`Patient?${list(CRITERIA_MAX, '&', 'gender=x')}`)).toBeUndefined();
    expect(refusalOf(`Patient?${list(CRITERIA_MAX + 1, '&', 'gender=x')}`)).toBe('search-too-long');
    expect(refusalOf(`Patient?gender=${list(VALUES_MAX, ',', 'x')}`)).toBeUndefined();
    expect(refusalOf(`Patient?gender=${list(VALUES_MAX + 1, ',', 'x')}`)).toBe('search-too-long gender');
    expect(refusalOf(`Patient?gender=${'x'.repeat(QUERY_CHARACTERS_MAX)}`)).toBe('search-too-long');
  });
  test('whatever it is, nothing but a refusal is thrown', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Patient?', 'Observation?', ''),
        fc.constantFrom('name', 'birthdate', 'value-quantity', 'code-value-quantity', 'subject', '_id', ''),
        fc.string({ unit: 'binary' }),
        (start, name, text) => {
          refusalOf(`${start}${name}=${text}`);
          refusalOf(`${start}${name}${text}`);
        },
      ),
    );
  });
});
