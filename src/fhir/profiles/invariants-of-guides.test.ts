import { describe, expect, test } from 'vitest';
import { BROKEN } from '../../../test/support/broken-invariants.ts';
import type { Json } from '../../../test/support/generated.ts';
import { examplesOf, GUIDE_NAMES, type GuideName, loadGuide } from '../../../test/support/guides.ts';
import { sharedDataPresent } from '../../../test/support/shared-data.ts';

/** `type key` of the invariants that the guide's profiles have for one of its examples, with the examples. */
async function claimed(name: GuideName): Promise<Map<string, { resource: Json; profile: string }[]>> {
  const { definitions, validator } = await loadGuide(name);
  const examples = new Map<string, { resource: Json; profile: string }[]>();
  for (const { resource } of examplesOf(name)) {
    if (validator.validate(resource).findings.some(({ severity }) => severity === 'error')) continue;
    for (const profile of resource.meta?.profile ?? []) {
      const structure = definitions.find('structures', profile)?.definition;
      for (const { constraints } of structure?.snapshot ?? [])
        for (const { key } of constraints) {
          const id = `${structure?.type} ${key}`;
          examples.set(id, [...(examples.get(id) ?? []), { resource, profile }]);
        }
    }
  }
  return examples;
}

const CARE_TEAM =
  'the expression asks the answer of exists() for its provider, which has none, so it always holds (2.1.0 mends it)';
const FOCAL = 'the expression looks at one insurance and counts in it, so there are never two';
const NO_EXAMPLE = 'no example has such an identifier';
const OTHER_VALUE_SET = 'it names a value set that does not exist (davinc-pdex), which is told as not given';

/** `guide: type key` of the invariants that cannot be broken in the guide's examples as it wrote them, and why. */
const UNBREAKABLE: Readonly<Record<string, string>> = {
  'us-core 6.1.0: Observation us-core-4': 'it asks for the value of the value, which is never there (7.0.0 mends it)',
  'carin-bb 2.0.0: ExplanationOfBenefit EOB-inst-careTeam-organization': CARE_TEAM,
  'carin-bb 2.0.0: ExplanationOfBenefit EOB-inst-careTeam-practitioner': CARE_TEAM,
  'carin-bb 2.0.0: ExplanationOfBenefit EOB-pharm-careTeam-organization': CARE_TEAM,
  'carin-bb 2.0.0: ExplanationOfBenefit EOB-pharm-careTeam-practitioner': CARE_TEAM,
  'carin-bb 2.0.0: ExplanationOfBenefit EOB-prof-careTeam-practitioner': CARE_TEAM,
  'carin-bb 2.0.0: ExplanationOfBenefit EOB-insurance-focal': FOCAL,
  'carin-bb 2.0.0: ExplanationOfBenefit EOB-vision-item-productorservice':
    'it stands on a code and asks for the claim around it, which is not below (2.1.0 mends it)',
  'carin-bb 2.1.0: ExplanationOfBenefit EOB-insurance-focal': FOCAL,
  'carin-bb 2.1.0: Organization us-core-18': NO_EXAMPLE,
  'carin-bb 2.2.0: ExplanationOfBenefit EOB-insurance-focal': FOCAL,
  'carin-bb 2.2.0: Organization us-core-18': NO_EXAMPLE,
  'pdex 2.0.0, hrex 1.0.0: ExplanationOfBenefit adjudication-has-amount-type-slice': OTHER_VALUE_SET,
  'pdex 2.0.0, hrex 1.0.0: Provenance provenance-1': 'it stands on onBehalfOf and asks for the agent below it',
  'pdex 2.2.0, hrex 1.2.0: ExplanationOfBenefit adjudication-has-amount-type-slice': OTHER_VALUE_SET,
  'pdex 2.2.0, hrex 1.2.0: Organization us-core-19': NO_EXAMPLE,
};

describe.skipIf(!sharedDataPresent)('an invariant of a guide that is broken in a good example', () => {
  test.each(GUIDE_NAMES)('%s: is found under its key, each that its examples have', async (name) => {
    const { validator } = await loadGuide(name);
    const missed: string[] = [];
    let found = 0;
    for (const [id, examples] of await claimed(name)) {
      const [type, key] = id.split(' ') as [string, string];
      const ways = [BROKEN[id] ?? []].flat();
      const isFound = examples.some(({ resource, profile }) =>
        ways.some((way) => {
          const copy = structuredClone(resource);
          if (way(copy) === false) return false;
          return validator.validate(copy, { profiles: [profile] }).findings.some((finding) => finding.key === key);
        }),
      );
      if (isFound) found++;
      else missed.push(`${type} ${key}`);
    }
    const listed = Object.keys(UNBREAKABLE).flatMap((each) => {
      const [guide, id] = each.split(': ') as [string, string];
      return guide === name ? [id] : [];
    });
    expect(missed.sort()).toEqual(listed.sort());
    expect(found).toBeGreaterThanOrEqual(3);
  });
});
