import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sourcePresent } from '../../../scripts/fhir-definitions/source.ts';
import { definitionTables } from '../../../scripts/fhir-definitions/tables.ts';
import { RESOURCE_TYPES } from '../resource-types.ts';
import { codeTable, compartmentTable, moneyPathTable, searchParameterTable, structureTable } from './definitions.ts';

const SIZE_MAX_BYTES = 1_500_000;

describe('committed tables', () => {
  // The official definitions are a development dependency; an installation for production has none.
  test.skipIf(!sourcePresent)('are what the generator writes from the official definitions', () => {
    const tables = definitionTables();
    for (const [name, text] of Object.entries(tables)) {
      expect(
        readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8') === text,
        `${name}.json is stale: run node scripts/generate-fhir-definitions.ts`,
      ).toBe(true);
    }
    const bytes = Object.values(tables).reduce((sum, text) => sum + text.length, 0);
    expect(bytes).toBeLessThan(SIZE_MAX_BYTES);
  });

  test('hold facts only: no sentence of the specification', () => {
    const text = [
      'structures',
      'codes',
      'search-parameters',
      'compartment',
      'modifier-elements',
      'summary-elements',
      'money-paths',
    ]
      .map((name) => readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8'))
      .join('');
    const sentence = /[A-Za-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}/.exec(text)?.[0];
    expect(sentence).toBeUndefined();
  });
});

describe('structures', () => {
  test('every resource type of R4 is there', () => {
    expect(RESOURCE_TYPES.filter((type) => structureTable()[type] === undefined)).toEqual([]);
  });

  test('every node, type and value set that the table names exists', () => {
    const table = structureTable();
    const primitives =
      /^(?:base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|xhtml|Resource)$/;
    const wrong: string[] = [];
    for (const [type, nodes] of Object.entries(table)) {
      for (const [element, definition] of Object.values(nodes).flatMap(Object.entries)) {
        const [, node, types, valueSet] =
          /^\d+\.\.(?:\d+|\*) (?:@(\S+)|([^=]+)(?:=(\S+))?)$/.exec(definition as string) ?? [];
        const names = (types ?? '')
          .replaceAll(/\([^)]*\)/g, '')
          .split('|')
          .filter(Boolean);
        const missing = names.some((name) => !primitives.test(name) && table[name] === undefined);
        if ((node === undefined && types === undefined) || (node && nodes[node] === undefined) || missing)
          wrong.push(`${type} ${element}`);
        if (valueSet && codeTable()[valueSet] === undefined) wrong.push(`${type} ${element} ${valueSet}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('elements say what the specification says (samples)', () => {
    const { Patient, Observation, ExplanationOfBenefit, Meta, Bundle } = structureTable();
    expect(Patient?.['']).toMatchObject({
      gender: '0..1 code=administrative-gender',
      'deceased[x]': '0..1 boolean|dateTime',
      generalPractitioner: '0..* Reference(Organization,Practitioner,PractitionerRole)',
      contact: '0..* @contact',
    });
    expect(Observation?.component?.referenceRange).toBe('0..* @referenceRange');
    expect(ExplanationOfBenefit?.['']?.provider).toBe('1..1 Reference(Organization,Practitioner,PractitionerRole)');
    expect(Object.keys(Meta?.[''] ?? {})).toEqual([
      'id',
      'extension',
      'versionId',
      'lastUpdated',
      'source',
      'profile',
      'security',
      'tag',
    ]);
    expect(Bundle?.['entry.response']?.outcome).toBe('0..1 Resource');
  });
});

describe('search parameters', () => {
  test('each type has its own arms of a shared definition', () => {
    expect(searchParameterTable().Patient?.birthdate).toEqual({
      id: 'individual-birthdate',
      type: 'date',
      expression: 'Patient.birthDate',
    });
    expect(searchParameterTable().Condition?.patient).toEqual({
      id: 'clinical-patient',
      type: 'reference',
      expression: 'Condition.subject.where(resolve() is Patient)',
      target: ['Patient'],
    });
    expect(searchParameterTable().Resource?._lastUpdated?.expression).toBe('Resource.meta.lastUpdated');
    expect(searchParameterTable().InsurancePlan?.name?.expression).toBe('InsurancePlan.name | InsurancePlan.alias');
  });

  test('every arm begins with the type it is listed under, and every component is a parameter of it', () => {
    const wrong: string[] = [];
    for (const [type, parameters] of Object.entries(searchParameterTable())) {
      for (const [code, parameter] of Object.entries(parameters)) {
        const arms = parameter.expression.split(' | ');
        if (!arms.every((arm) => new RegExp(`^\\(*${type}\\b`).test(arm))) wrong.push(`${type} ${code}`);
        for (const component of parameter.components ?? []) {
          if (!component.expression || component.code.includes('/')) wrong.push(`${type} ${code} ${component.code}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('patient compartment', () => {
  test('each row names reference parameters of its type', () => {
    const wrong = Object.entries(compartmentTable()).flatMap(([type, codes]) =>
      codes
        .filter((code) => searchParameterTable()[type]?.[code]?.type !== 'reference')
        .map((code) => `${type} ${code}`),
    );
    expect(wrong).toEqual([]);
    expect(Object.keys(compartmentTable())).toHaveLength(66);
  });

  test('rows that differ between sources are those of the standard: Encounter by patient, Task in no compartment', () => {
    expect(compartmentTable().Encounter).toEqual(['patient']);
    expect(compartmentTable().Task).toBeUndefined();
  });
});

describe('money', () => {
  test('an ExplanationOfBenefit has 24 places for a Money (P2P-59), a Coverage one', () => {
    const paths = moneyPathTable().ExplanationOfBenefit ?? [];
    expect(paths).toHaveLength(24);
    expect(paths).toContain('addItem[].detail[].subDetail[].adjudication[].amount');
    expect(paths).toContain('benefitBalance[].financial[].usedMoney');
    expect(moneyPathTable().Coverage).toEqual(['costToBeneficiary[].valueMoney']);
    expect(moneyPathTable().Extension).toEqual(['valueMoney']);
  });

  test('every element of the structures whose type is Money is covered', () => {
    const withMoney = Object.entries(structureTable())
      .filter(([, nodes]) =>
        Object.values(nodes).some((node) =>
          Object.values(node).some((definition) => /[ |]Money(?:\||$)/.test(definition)),
        ),
      )
      .map(([type]) => type);
    expect(Object.keys(moneyPathTable()).sort()).toEqual(withMoney.sort());
  });
});
