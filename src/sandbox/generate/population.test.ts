import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { validateResource } from '#/fhir/validate/validate.ts';
import { AS_OF, generatedWorlds, walk } from '../../../test/support/generated.ts';
import { type PopulationFacts, population } from './population.ts';

const worlds = generatedWorlds(150);
const everything = Object.values(worlds).flat();

function digest(facts: PopulationFacts): string {
  const hash = createHash('sha256');
  for (const resource of population(facts)) hash.update(`${JSON.stringify(resource)}\n`);
  return hash.digest('hex');
}

describe('a population', () => {
  test('same seed and date, same bytes', () => {
    expect(digest({ members: 60, seed: 's', asOf: AS_OF })).toBe(digest({ members: 60, seed: 's', asOf: AS_OF }));
  });

  test('these bytes are what this version writes: a change of the generator shows here and in the changelog', () => {
    expect(digest({ members: 20, seed: 'fixed', asOf: AS_OF })).toMatchInlineSnapshot(
      `"c0a195ac4bfeb7a8bcb1a6320c7ab9cb4cdedf195b3c63ff9d06cbf70fe2e6ec"`,
    );
  });

  test('another seed or another date gives other bytes', () => {
    const one = digest({ members: 20, seed: 's', asOf: AS_OF });
    expect(digest({ members: 20, seed: 't', asOf: AS_OF })).not.toBe(one);
    expect(digest({ members: 20, seed: 's', asOf: AS_OF + 1 })).not.toBe(one);
  });

  test('a member’s record does not change when the plan has more members', () => {
    const take = (members: number) =>
      [...population({ members, seed: 's', asOf: AS_OF })]
        .filter(({ id }) => id.includes('-0000000'))
        .map((resource) => JSON.stringify(resource));
    expect(take(30)).toEqual(take(60));
  });

  test.each([1, 2, 7, 100])('has exactly %i members when told so', (members) => {
    const types = [...population({ members, seed: 's', asOf: AS_OF })].map(({ resourceType }) => resourceType);
    expect(types.filter((type) => type === 'Patient')).toHaveLength(members);
  });

  test('members have the mix that storage.md was measured with: 40 to 60 resources, claims of about 7 KB', () => {
    const { drawn = [] } = worlds;
    const eobs = drawn.filter(({ resourceType }) => resourceType === 'ExplanationOfBenefit');
    const size = eobs.reduce((sum, eob) => sum + JSON.stringify(eob).length, 0) / eobs.length;
    expect(drawn.length / 150).toBeGreaterThan(40);
    expect(drawn.length / 150).toBeLessThan(60);
    expect(size).toBeGreaterThan(6_000);
    expect(size).toBeLessThan(9_000);
  });
});

describe.each(Object.entries(worlds))('every resource of the plan %s', (_name, resources) => {
  const ids = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`));

  test('has an id of its own', () => {
    expect(ids.size).toBe(resources.length);
  });

  test('is valid base R4', () => {
    const findings = resources.flatMap((resource) =>
      validateResource(resource).map((issue) => `${resource.id} ${issue.path} ${issue.message}`),
    );
    expect(findings).toEqual([]);
  });

  test('refers only to what is in the plan, or contained', () => {
    const dangling = resources.flatMap((resource) => {
      const contained = new Set((resource.contained ?? []).map(({ id }: { id: string }) => `#${id}`));
      return [...walk(resource)]
        .filter(({ value }) => typeof value.reference === 'string')
        .filter(({ value }) => !ids.has(value.reference) && !contained.has(value.reference))
        .map(({ value }) => `${resource.id}: ${value.reference}`);
    });
    expect(dangling).toEqual([]);
  });

  test('says when its source last changed it, in the past, and which profiles it follows, with versions (PA-93)', () => {
    const asOf = new Date(AS_OF * 86_400_000).toISOString();
    for (const { meta, id } of resources) {
      expect(meta.lastUpdated <= asOf, `${id} ${meta.lastUpdated}`).toBe(true);
      expect(meta.profile.length, id).toBeGreaterThan(0);
      for (const profile of meta.profile) expect(profile).toMatch(/\|\d+\.\d+\.\d+$|davinci-pdex/);
    }
  });
});

describe('licences (PA-98)', () => {
  test('no code has a display: licensed lists are not ours to ship, our words stand in text', () => {
    const displays = everything.flatMap((resource) =>
      [...walk(resource)]
        .filter(({ value }) => 'code' in value && 'system' in value && 'display' in value)
        .map(({ path }) => `${resource.resourceType} ${path.join('.')}`),
    );
    expect(displays).toEqual([]);
  });

  test('codes of licensed systems go without any text', () => {
    const licensed = /ama-assn|ada\.org|nubc|x12\.org|NCPDP|nucc/;
    const told = everything.flatMap((resource) =>
      [...walk(resource)]
        .filter(
          ({ value }) =>
            value.text !== undefined &&
            (value.coding ?? []).some(
              ({ system }: { system: string }) => licensed.test(system) && !system.includes('nucc'),
            ),
        )
        .map(({ value }) => JSON.stringify(value)),
    );
    expect(told).toEqual([]);
  });
});

describe('a record over time', () => {
  test('nothing but plans for the future lies after the as-of day', () => {
    const future = /(period|target|expirationDate|preAuthRefPeriod|billablePeriod|extension)/;
    const today = new Date(AS_OF * 86_400_000).toISOString().slice(0, 10);
    const late = everything.flatMap((resource) =>
      [...walk(resource)].flatMap(({ value, path }) =>
        Object.entries(value)
          .filter(
            ([key, each]) =>
              typeof each === 'string' &&
              /^\d{4}-\d\d-\d\d/.test(each) &&
              each.slice(0, 10) > today &&
              !future.test([...path, key].join('.')),
          )
          .map(([key]) => `${resource.id} ${[...path, key].join('.')}`),
      ),
    );
    expect(late).toEqual([]);
  });

  test('a claim names the coverage of the day of service (PA-94)', () => {
    const byId = new Map(everything.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
    const wrong = everything
      .filter(({ resourceType, use }) => resourceType === 'ExplanationOfBenefit' && use === 'claim')
      .filter(({ insurance, billablePeriod }) => {
        const coverage = byId.get(insurance[0].coverage.reference);
        if (!coverage) return insurance[0].coverage.identifier === undefined;
        const { start, end } = coverage.period;
        return billablePeriod.start < start || (end !== undefined && billablePeriod.start > end);
      });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });
});
