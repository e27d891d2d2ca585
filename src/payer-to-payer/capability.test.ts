import { expect, test } from 'vitest';
import type { FhirRoute } from '#/fhir/capability/fhir-route.ts';
import { makeCapabilityStatement } from './capability.ts';

const urls = { fhirBase: 'https://p.example/v1/bison/r4', issuer: 'https://p.example/v1/bison' };
const of = (routes: readonly FhirRoute[]): any =>
  makeCapabilityStatement(
    { routes, version: '1.2.3', releasedOn: '2026-11-24' },
    { slug: 'bison', name: 'Bison' },
    urls,
  );
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
  expect(resource('Patient')).toEqual({
    type: 'Patient',
    interaction: [{ code: 'search-type' }, { code: 'read' }],
    searchParam: [{ name: 'identifier', type: 'token' }],
  });
  expect(resource('ExplanationOfBenefit')).toEqual({ type: 'ExplanationOfBenefit' });
  expect(resource('Claim')).toBeUndefined();
  expect(statement.instantiates).toContain('http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data');
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
