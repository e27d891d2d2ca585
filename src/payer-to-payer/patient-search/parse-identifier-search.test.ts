import { expect, test } from 'vitest';
import { parseIdentifierSearch } from './parse-identifier-search.ts';

test.each([
  ['U-1', { system: undefined, value: 'U-1' }],
  ['urn:x|U-1', { system: 'urn:x', value: 'U-1' }],
  ['|U-1', { system: '', value: 'U-1' }],
  ['a\\|b', { system: undefined, value: 'a|b' }],
  ['urn:x|a\\,b\\$\\\\', { system: 'urn:x', value: 'a,b$\\' }],
])('the token %s is read (FHIR R4 search, token)', (identifier, expected) => {
  expect(parseIdentifierSearch({ identifier })).toEqual(expected);
});

test.each<Record<string, unknown>>([
  {},
  { identifier: '' },
  { identifier: '|' },
  { identifier: 'urn:x|' },
  { identifier: 'a,b' },
  { identifier: ['a', 'b'] },
  { identifier: 'x'.repeat(301) },
  { identifier: 'a', name: 'b' },
  { 'identifier:exact': 'a' },
  { identifier: 'a', _count: '1' },
])('%j is refused', (query) => {
  expect(() => parseIdentifierSearch(query)).toThrowError();
});
