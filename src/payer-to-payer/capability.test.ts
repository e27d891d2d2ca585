import { expect, test } from 'vitest';
import { makeCapabilityStatement } from '#/fhir/capability/capability-statement.ts';
import type { FhirRoute } from '#/fhir/capability/fhir-route.ts';
import { parseSearchQuery } from '#/fhir/search/parse-query.ts';
import { payerToPayerPart } from './capability.ts';

const urls = { fhirBase: 'https://p.example/v1/bison/r4', issuer: 'https://p.example/v1/bison' };
const of = (routes: readonly FhirRoute[]): any =>
  makeCapabilityStatement([payerToPayerPart(routes)], {
    version: '1.2.3',
    releasedOn: '2026-11-24',
    tenant: { slug: 'bison', name: 'Bison' },
    fhirBase: urls.fhirBase,
    oauthUris: { token: `${urls.issuer}/oauth2/token` },
  });
const groupExport: FhirRoute = {
  kind: 'operation',
  type: 'Group',
  name: 'export',
  definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export',
};

test('the statement lists the operations of the routes there are, and no other (P2P-43)', () => {
  const statement = of([
    groupExport,
    { kind: 'search', type: 'Patient', parameters: [{ name: 'identifier', type: 'token' }] },
    { kind: 'read', type: 'Patient' },
  ]);
  const resource = (type: string) => statement.rest[0].resource.find((entry: { type: string }) => entry.type === type);
  expect(resource('Group')).toEqual({
    type: 'Group',
    operation: [{ name: 'export', definition: groupExport.definition }],
  });
  expect(resource('Patient')).toMatchObject({
    type: 'Patient',
    interaction: [{ code: 'search-type' }, { code: 'read' }],
  });
  expect(resource('Patient').searchParam[0]).toEqual({ name: 'identifier', type: 'token' });
  expect(resource('ExplanationOfBenefit')).not.toHaveProperty('interaction');
  expect(resource('Claim')).toBeUndefined();
  expect(statement.instantiates).toContain('http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data');
});

const filterOnly = 'In _typeFilter of an export only.';

test('the parameters that filters understand are listed, once each, for exported types only (P2P-28, P2P-43)', () => {
  const statement = of([
    groupExport,
    { kind: 'search', type: 'Patient', parameters: [{ name: 'identifier', type: 'token' }] },
    { kind: 'search', type: 'Group', parameters: [{ name: 'code', type: 'token' }] },
  ]);
  const rest = statement.rest[0];
  const paramsOf = (type: string) => rest.resource.find((entry: any) => entry.type === type).searchParam;
  expect(paramsOf('Observation').find(({ name }: any) => name === 'code-value-quantity')).toEqual({
    name: 'code-value-quantity',
    definition: 'http://hl7.org/fhir/SearchParameter/Observation-code-value-quantity',
    type: 'composite',
    documentation: filterOnly,
  });
  expect(paramsOf('Patient').filter(({ name }: any) => name === 'identifier')).toEqual([
    { name: 'identifier', type: 'token' },
  ]);
  expect(paramsOf('Group')).toEqual([{ name: 'code', type: 'token' }]);
  expect(rest.searchParam.map(({ name }: any) => name).sort()).toEqual([
    '_id',
    '_lastUpdated',
    '_profile',
    '_security',
    '_source',
    '_tag',
  ]);
  // What is listed is understood, and what is not listed is refused.
  for (const { type, searchParam } of rest.resource) {
    if (type === 'Group') continue;
    for (const { name } of [...searchParam, ...rest.searchParam])
      expect(() => parseSearchQuery(`${type}?${name}:missing=true`)).not.toThrow();
  }
  expect(() => parseSearchQuery('Patient?phonetic=x')).toThrow();
  expect(paramsOf('Patient').map(({ name }: any) => name)).not.toContain('phonetic');
});

test('a parameter that works by REST but not in a filter says so (Bulk Data 3)', () => {
  const statement = of([
    groupExport,
    { kind: 'search', type: 'Patient', parameters: [{ name: 'phonetic', type: 'string' }] },
  ]);
  const { searchParam } = statement.rest[0].resource.find((entry: any) => entry.type === 'Patient');
  expect(searchParam[0]).toEqual({
    extension: [
      {
        url: 'http://hl7.org/fhir/uv/bulkdata/Extension/operation-not-supported',
        valueCanonical: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export',
      },
    ],
    name: 'phonetic',
    type: 'string',
  });
});

test('without an export no filter is promised', () => {
  const statement = of([{ kind: 'search', type: 'Patient', parameters: [{ name: 'identifier', type: 'token' }] }]);
  expect(statement.rest[0].searchParam).toBeUndefined();
  expect(statement.rest[0].resource).toEqual([
    { type: 'Patient', interaction: [{ code: 'search-type' }], searchParam: [{ name: 'identifier', type: 'token' }] },
  ]);
});

test('without routes it promises nothing', () => {
  const statement = of([]);
  expect(statement.rest[0].resource).toEqual([]);
  expect(statement.instantiates).toBeUndefined();
});

test('what R4 demands of an instance is there', () => {
  expect(of([groupExport])).toMatchObject({
    resourceType: 'CapabilityStatement',
    status: 'active',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    date: '2026-11-24',
    implementation: { url: urls.fhirBase, description: 'Bison' },
    rest: [
      {
        mode: 'server',
        security: {
          extension: [{ extension: [{ url: 'token', valueUri: 'https://p.example/v1/bison/oauth2/token' }] }],
        },
      },
    ],
  });
});
