import { describe, expect, test } from 'vitest';
import { definitionsOf, element, profile } from '../../../test/support/fhir-package.ts';
import type { Json } from '../../../test/support/generated.ts';
import { examplesOf, loadGuide } from '../../../test/support/guides.ts';
import { sharedDataPresent } from '../../../test/support/shared-data.ts';
import { ProfileValidator } from './validate-profiles.ts';

/** What may stand anywhere in a JSON that calls itself a resource. */
const ODD: readonly unknown[] = [
  null,
  0,
  -1,
  '',
  'x',
  true,
  [],
  {},
  [null],
  [[]],
  [{}],
  { coding: 'x' },
  { reference: 7 },
  { reference: '#' },
];

/** Every place in a value, as a list of keys. */
function* placesIn(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    yield [...path, key];
    yield* placesIn(child, [...path, key]);
  }
}

describe.skipIf(!sharedDataPresent)('resources that are not valid R4', () => {
  test('are answered whatever stands wherever: the check never fails, and is bounded', async () => {
    const { validator } = await loadGuide('carin-bb 2.1.0');
    const { resource } = examplesOf('carin-bb 2.1.0').find(
      ({ file }) => file === 'ExplanationOfBenefit-EOBInpatient1.json',
    ) as {
      resource: Json;
    };
    let tried = 0;
    for (const [index, path] of [...placesIn(resource)].entries()) {
      if (path[0] === 'meta') continue;
      const copy = structuredClone(resource);
      let parent: any = copy;
      for (const key of path.slice(0, -1)) parent = parent[key];
      parent[path.at(-1) as string] = ODD[index % ODD.length];
      expect(() => validator.validate(copy)).not.toThrow();
      tried++;
    }
    expect(tried).toBeGreaterThan(200);
  });
});

describe('hostile resources and definitions', () => {
  test('nesting beyond all measure, thousands of values, and a profile claimed a thousand times', async () => {
    const definitions = await definitionsOf(
      profile('p', 'Questionnaire', [
        element('Questionnaire.item', {
          slicing: { rules: 'closed', discriminator: [{ type: 'value', path: 'linkId' }] },
        }),
        element('Questionnaire.item:a', { min: 1 }),
        element('Questionnaire.item:a.linkId', { min: 1, fixedString: 'a' }),
      ]),
    );
    const validator = new ProfileValidator(definitions);
    let item: Json = { linkId: 'a' };
    for (let i = 0; i < 3_000; i++) item = { linkId: 'a', item: [item] };
    const meta = { profile: Array(1_000).fill('http://t/p') };
    const deep = validator.validate({ resourceType: 'Questionnaire', meta, item: [item] });
    expect(deep).toMatchObject({ findings: [], checked: ['http://t/p|1.0.0'] });
    const wide = validator.validate({ resourceType: 'Questionnaire', meta, item: Array(20_000).fill({ linkId: 'b' }) });
    expect(wide.findings).toHaveLength(200);
    let bundle: Json = { resourceType: 'Patient' };
    for (let i = 0; i < 300; i++) bundle = { resourceType: 'Bundle', entry: [{ resource: bundle }] };
    expect(validator.validate(bundle).findings).toEqual([]);
  });

  test('definitions that point at themselves in every way they can', async () => {
    const definitions = await definitionsOf(
      profile(
        'p',
        'Patient',
        [element('Patient.link', { type: [{ code: 'BackboneElement', profile: ['http://t/p'] }] })],
        {
          baseDefinition: 'http://t/p',
        },
      ),
      profile('q', 'Patient', [
        element('Patient.extension:q', { type: [{ code: 'Extension', profile: ['http://t/q'] }] }),
        element('Patient.contained', {
          slicing: { rules: 'open', discriminator: [{ type: 'profile', path: '$this' }] },
        }),
        element('Patient.contained:q', { min: 1, type: [{ code: 'Patient', profile: ['http://t/q'] }] }),
      ]),
      {
        resourceType: 'ValueSet',
        url: 'http://t/vs',
        compose: { include: [{ valueSet: ['http://t/vs'] }], exclude: [{ valueSet: ['http://t/vs'] }] },
      },
      {
        resourceType: 'CodeSystem',
        url: 'http://t/cs',
        content: 'complete',
        concept: [{ code: 'a', property: [{ code: 'parent', valueCode: 'a' }] }],
      },
    );
    const validator = new ProfileValidator(definitions);
    const patient = {
      resourceType: 'Patient',
      meta: { profile: ['http://t/p', 'http://t/q'] },
      extension: [{ url: 'http://t/q' }],
    };
    const answer = validator.validate({ ...patient, contained: [patient] });
    expect(answer.unchecked).toContainEqual({ profile: 'http://t/p', reason: 'definition-cycle' });
    expect(answer.findings.length).toBeGreaterThan(0);
  });

  test('a discriminator that is no path, and element ids that make no sense', async () => {
    const definitions = await definitionsOf(
      profile('p', 'Patient', [
        element('Patient.identifier', {
          slicing: { rules: 'closed', discriminator: [{ type: 'value', path: "where(x = 'y').z" }] },
        }),
        element('Patient.identifier:a', { min: 1 }),
        { id: '..:/.', path: 'Patient' },
        { id: 'Patient.constructor.__proto__:x', path: 'Patient.constructor.__proto__', min: 1 },
      ]),
    );
    const answer = new ProfileValidator(definitions).validate({
      resourceType: 'Patient',
      meta: { profile: ['http://t/p'] },
      identifier: [{ value: '1' }],
    });
    expect(answer.unchecked).toMatchObject([{ reason: 'slices-not-told-apart' }]);
  });
});
