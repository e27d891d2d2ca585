import { describe, expect, test } from 'vitest';
import { AS_OF, generatedWorlds, type Json, walk } from '../../test/support/generated.ts';
import { GROUP_MEMBERS, SANDBOX_MEMBERS, sandboxMembers } from './sandbox-members.ts';
import { sandboxResources } from './sandbox-plan.ts';

const worlds = generatedWorlds(1);
const { demo = [], bison = [] } = worlds;
const recordOf = (resources: readonly Json[], patientId: string): Json[] =>
  resources.filter(({ id }) => id === patientId || id.startsWith(`${patientId}-`));
const typesOf = (resources: readonly Json[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { resourceType } of resources) counts[resourceType] = (counts[resourceType] ?? 0) + 1;
  return counts;
};
const idOf = (family: string, given: string): string =>
  SANDBOX_MEMBERS.find((member) => member.tenant === 'demo' && member.family === family && member.given === given)!
    .patientId;
const recordOfName = (family: string, given: string): Json[] => recordOf(demo, idOf(family, given));
const authorizations = (record: readonly Json[]): Json[] => record.filter(({ use }) => use === 'preauthorization');
const dayBefore = (days: number): string => new Date((AS_OF - days) * 86_400_000).toISOString().slice(0, 10);

describe('Jay Young, exactly (payer-to-payer.md 2)', () => {
  const record = recordOf(bison, 'bison-j01');

  test('has 31 resources of six types', () => {
    expect(typesOf(record)).toEqual({
      Patient: 1,
      Coverage: 1,
      Encounter: 5,
      Observation: 14,
      Specimen: 4,
      ExplanationOfBenefit: 6,
    });
  });

  test('is found by the words and numbers of the quick start', () => {
    const [patient] = record.filter(({ resourceType }) => resourceType === 'Patient');
    const [coverage] = record.filter(({ resourceType }) => resourceType === 'Coverage');
    expect(patient).toMatchObject({ name: [{ family: 'Young', given: ['Jay'] }], birthDate: '2001-03-11' });
    expect(coverage!.identifier[0].value).toBe('17148123-47da-43a0-8401-8d5d1368db02');
  });

  test('refers to nothing outside the six types: payer and providers are contained, without what dom-4 and dom-5 forbid', () => {
    const known = new Set(record.map(({ resourceType, id }) => `${resourceType}/${id}`));
    for (const resource of record) {
      for (const { value } of walk(resource))
        if (typeof value.reference === 'string' && !value.reference.startsWith('#'))
          expect(known).toContain(value.reference);
      for (const { meta } of resource.contained ?? []) expect(Object.keys(meta)).toEqual(['profile']);
    }
    const npis = record.flatMap((resource) =>
      (resource.contained ?? [])
        .filter(({ id }: Json) => id === 'payer')
        .map((payer: Json) => payer.identifier[0].value),
    );
    expect(npis).toHaveLength(7);
    expect(new Set(npis).size).toBe(1);
  });

  test('institutional claims have no care team, encounters no place or person, observations no performer', () => {
    for (const resource of record) {
      if (resource.resourceType === 'Encounter')
        expect(Object.keys(resource)).not.toEqual(expect.arrayContaining(['location']));
      if (resource.resourceType === 'Encounter') expect(resource.participant ?? resource.location).toBeUndefined();
      if (resource.resourceType === 'Observation') expect(resource.performer).toBeUndefined();
      if (resource.subType) expect(resource.careTeam).toBeUndefined();
      expect(resource.meta.security).toBeUndefined();
    }
    expect(authorizations(record)).toEqual([]);
  });

  test('specimens are used by laboratory values, encounters by claim lines', () => {
    const named = (key: string) =>
      new Set(
        record.flatMap((resource) =>
          [...walk(resource)].filter(({ path }) => path.includes(key)).map(({ value }) => value.reference),
        ),
      );
    expect([...named('specimen')].filter(Boolean)).toHaveLength(4);
    expect([...named('encounter')].filter((reference) => reference?.startsWith('Encounter/')).length).toBeGreaterThan(
      3,
    );
  });

  test('every date lies within the four years before the sandbox was made, whatever day that is', () => {
    for (const asOf of [AS_OF, AS_OF + 38, AS_OF + 39, AS_OF + 300]) {
      const jay = [...sandboxResources('bison', asOf)].filter(({ id }) => id.startsWith('bison-j01'));
      const [first, last] = [asOf - 4 * 365, asOf].map((day) =>
        new Date(day * 86_400_000).toISOString().slice(0, 10),
      ) as [string, string];
      for (const resource of jay)
        for (const { value } of walk(resource))
          for (const [key, each] of Object.entries(value as Json))
            if (typeof each === 'string' && /^\d{4}-\d\d-\d\d/.test(each) && key !== 'birthDate')
              expect(each.slice(0, 10) >= first && each.slice(0, 10) <= last, `${resource.id} ${key} ${each}`).toBe(
                true,
              );
    }
  });

  test('claims and coverage carry amounts, so that redaction is seen to work', () => {
    const withMoney = record.filter((resource) => [...walk(resource)].some(({ value }) => value.currency === 'USD'));
    expect(typesOf(withMoney)).toEqual({ Coverage: 1, ExplanationOfBenefit: 6 });
  });
});

describe('the named members', () => {
  test('are in the plan with the names, dates and numbers of the table', () => {
    for (const member of SANDBOX_MEMBERS) {
      const [patient] = recordOf(worlds[member.tenant]!, member.patientId).filter(
        ({ resourceType }) => resourceType === 'Patient',
      );
      expect(patient).toMatchObject({
        birthDate: member.birthDate,
        gender: member.gender,
        name: [
          { family: member.family, given: [member.given] },
          ...(member.formerFamily ? [{ family: member.formerFamily }] : []),
        ],
      });
      expect(patient!.identifier[0].value).toBe(member.memberId);
      expect(patient!.address[0].postalCode).toBe(member.postalCode);
    }
  });

  test('Mayte822 Venegas795 and John Allen have the ids developers are told to type, in both plans', () => {
    for (const tenant of ['demo', 'bison'] as const)
      expect(sandboxMembers(tenant)).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            given: 'Mayte822',
            family: 'Venegas795',
            birthDate: '2011-01-04',
            memberId: '01-testmemid',
            postalCode: '02116',
          }),
          expect.objectContaining({
            given: 'John',
            family: 'Allen',
            birthDate: '1950-10-19',
            memberId: '123456789123',
            postalCode: '02114',
          }),
        ]),
      );
  });

  test('Mayte has encounters, allergies and prescriptions; John refers to organizations, practitioners and locations', () => {
    expect(typesOf(recordOfName('Venegas795', 'Mayte822'))).toMatchObject({
      Encounter: expect.any(Number),
      AllergyIntolerance: 1,
      MedicationRequest: expect.any(Number),
    });
    const references = new Set(
      recordOfName('Allen', 'John').flatMap((resource) =>
        [...walk(resource)].map(({ value }) => String(value.reference).split('/')[0]),
      ),
    );
    for (const type of ['Organization', 'Practitioner', 'Location', 'PractitionerRole'])
      expect(references).toContain(type);
  });

  test('one has claims of all five CARIN types in every variant (PA-89)', () => {
    const profiles = new Set(
      recordOfName('Wells', 'Carin').flatMap(({ resourceType, meta }) =>
        resourceType === 'ExplanationOfBenefit' ? meta.profile.map((profile: string) => profile.split('C4BB-')[1]) : [],
      ),
    );
    for (const type of [
      'Inpatient-Institutional',
      'Outpatient-Institutional',
      'Professional-NonClinician',
      'Pharmacy',
      'Oral',
    ])
      for (const version of ['2.0.0', '2.1.0']) expect(profiles).toContain(`ExplanationOfBenefit-${type}|${version}`);
  });

  test('two are alike in subscriber id, name and birth date, and yet two persons', () => {
    const pair = SANDBOX_MEMBERS.filter(({ family }) => family === 'Morgan');
    expect(pair).toHaveLength(2);
    expect(
      new Set(
        pair.map(({ subscriberId, given, family, birthDate }) => `${subscriberId} ${given} ${family} ${birthDate}`),
      ).size,
    ).toBe(1);
  });

  test('one has labelled sensitive care, and the others have none', () => {
    const labelled = demo.filter(({ meta }) => meta.security);
    const sensitive = labelled.filter(({ id }) => id.startsWith(idOf('Blake', 'Jordan')));
    expect(Object.keys(typesOf(sensitive))).toEqual(
      expect.arrayContaining(['Condition', 'Encounter', 'ExplanationOfBenefit', 'MedicationRequest']),
    );
    expect(labelled.filter(({ id }) => /^demo-[gt]\d/.test(id))).toHaveLength(sensitive.length);
  });

  test('one has prior authorizations: active, expired, denied, for a drug, overturned, pending', () => {
    const found = authorizations(recordOfName('Raman', 'Priya'));
    const actions = (authorization: Json): string[] =>
      [...walk(authorization.item)]
        .filter(({ value }) => value.system === 'https://codesystem.x12.org/005010/306')
        .map(({ value }) => value.code);
    expect(found.map(actions)).toEqual([['A1'], ['A1'], ['A3'], ['A1'], ['A3', 'A1'], ['A4']]);
    expect(found[0]!.preAuthRefPeriod[0].end > dayBefore(0)).toBe(true);
    expect(found[1]!.preAuthRefPeriod[0].end < dayBefore(365)).toBe(true);
    expect(found[3]!.item[0].productOrService.coding[0].code).toMatch(/^J/);
    expect(found[0]!.supportingInfo[0].valueReference.reference).toMatch(/^DocumentReference\//);
  });

  test('one has data older than five years, one a coverage that has ended, one has died, one has a second payer, one a former name', () => {
    expect(
      recordOfName('Lindgren', 'Walter').some(
        ({ resourceType, period }) => resourceType === 'Encounter' && period.start < dayBefore(5 * 366),
      ),
    ).toBe(true);
    expect(
      recordOfName('Faris', 'Omar')
        .filter(({ resourceType }) => resourceType === 'Coverage')
        .every(({ period }) => period.end < dayBefore(0)),
    ).toBe(true);
    expect(
      new Set(
        recordOfName('Park', 'Helen').flatMap(({ resourceType, payor }) =>
          resourceType === 'Coverage' ? [payor[0].reference] : [],
        ),
      ).size,
    ).toBe(2);
    expect(recordOfName('Brandt', 'Sofia')[0]!.name[1].family).toBe('Keller');
    expect(recordOfName('Lindgren', 'Edith')[0]!.deceasedDateTime).toBe(dayBefore(200));
  });

  test('twins share family, birth date and subscriber id, not the member id; their coverage names the subscriber', () => {
    const twins = SANDBOX_MEMBERS.filter(({ birthDate }) => birthDate === '2016-05-09');
    expect(twins).toHaveLength(2);
    expect(new Set(twins.map(({ subscriberId }) => subscriberId)).size).toBe(1);
    expect(new Set(twins.map(({ memberId }) => memberId)).size).toBe(2);
    expect(recordOf(demo, twins[0]!.patientId).find(({ resourceType }) => resourceType === 'Coverage')).toMatchObject({
      dependent: '03',
      subscriber: { reference: expect.stringMatching(/^RelatedPerson\//) },
    });
  });

  test('one claim names its coverage by identifier only', () => {
    const claims = recordOfName('Okafor', 'Marcus').filter(({ insurance }) => insurance?.[0].coverage.identifier);
    expect(claims).toHaveLength(1);
    expect(claims[0]!.insurance[0].coverage.reference).toBeUndefined();
  });

  test('the standing group has at least two of them', () => {
    expect(sandboxMembers('demo', GROUP_MEMBERS).length).toBeGreaterThanOrEqual(2);
  });
});

test('another day moves the dates of the records, not who the members are', () => {
  const resources = (asOf: number): Json[] => [...sandboxResources('demo', asOf)];
  const ids = (all: Json[], type: string): string[] =>
    all.filter(({ resourceType }) => resourceType === type).map(({ id }) => id);
  const [now, later] = [resources(AS_OF), resources(AS_OF + 200)];
  expect(ids(later, 'Patient')).toEqual(ids(now, 'Patient'));
  expect(ids(later, 'Practitioner')).toEqual(ids(now, 'Practitioner'));
  const birthDates = (all: Json[]): string[] => all.flatMap(({ birthDate }) => birthDate ?? []);
  expect(birthDates(later)).toEqual(birthDates(now));
  const visits = (all: Json[]): string[] =>
    all.flatMap(({ resourceType, period }) => (resourceType === 'Encounter' ? [period.start] : []));
  expect(visits(later)[0]).not.toBe(visits(now)[0]);
});
