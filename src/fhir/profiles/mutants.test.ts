import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { examplesOf, GUIDE_NAMES, type GuideName, loadGuide } from '../../../test/support/guides.ts';
import { type Mutant, mutantsOf } from '../../../test/support/profile-mutants.ts';
import { sharedDataPresent } from '../../../test/support/shared-data.ts';
import { validateResource } from '../validate/validate.ts';
import { isCoreType } from './elements-of.ts';
import { Profiles } from './profiles.ts';

/** By guide, then by reason, the mutants that are not found: `profile: kind: element`. */
type NotFound = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Both are told by the profile or the answer itself; each mutant of the list must really have its reason. */
const REASONS = {
  codes: 'the packages do not enumerate the value set, and the answer says so',
  leaves: 'the value leaves a slice for the open rest, where the profile says nothing of it',
} as const;

const listed: NotFound = JSON.parse(
  readFileSync(new URL('../../../test/support/profile-mutants-not-found.json', import.meta.url), 'utf8'),
);

/** Examples of one profile that mutants are made of; more show hardly another element. */
const EXAMPLES_PER_PROFILE = 4;

/**
 * A share of the mutants, always the same one, so that the tests stay short; `PROFILE_MUTANTS=all` makes every one
 * (some six thousand, half a minute).
 */
const SHARE = process.env.PROFILE_MUTANTS === 'all' ? 1 : 5;
function isInShare(key: string): boolean {
  let hash = 0;
  for (const letter of key) hash = (hash * 31 + (letter.codePointAt(0) as number)) % 1_000_003;
  return hash % SHARE === 0;
}

interface Outcome {
  readonly made: number;
  readonly found: number;
  readonly notFound: Record<string, string[]>;
  readonly kinds: Record<string, number>;
}

async function run(name: GuideName): Promise<Outcome> {
  const { definitions, validator } = await loadGuide(name);
  const profiles = new Profiles(definitions);
  const seen = new Map<string, Set<string>>();
  const used = new Map<string, number>();
  const outcome = { made: 0, found: 0, notFound: {} as Record<string, string[]>, kinds: {} as Record<string, number> };
  for (const { resource } of examplesOf(name)) {
    for (const claimed of resource.meta?.profile ?? []) {
      if (isCoreType(claimed) || !definitions.find('structures', claimed)) continue;
      const profile = profiles.require(claimed);
      const asked = { profiles: [profile.canonical] };
      if (validator.validate(resource, asked).findings.some(({ severity }) => severity === 'error')) continue;
      const before = used.get(profile.canonical) ?? 0;
      if (before >= EXAMPLES_PER_PROFILE) continue;
      used.set(profile.canonical, before + 1);
      const own = seen.get(profile.canonical) ?? new Set();
      seen.set(profile.canonical, own);
      for (const mutant of mutantsOf(resource, profile, definitions, own)) {
        const id = profile.url.slice(profile.url.lastIndexOf('/') + 1);
        const key = `${id}: ${mutant.kind}: ${mutant.element}`;
        if (!isInShare(key)) continue;
        outcome.made++;
        outcome.kinds[mutant.kind] = (outcome.kinds[mutant.kind] ?? 0) + 1;
        const { findings, unchecked } = validator.validate(mutant.resource, asked);
        if (findings.some(({ severity }) => severity === 'error') || validateResource(mutant.resource).length > 0) {
          outcome.found++;
          continue;
        }
        const reason = reasonOf(mutant, unchecked);
        outcome.notFound[reason] = [...(outcome.notFound[reason] ?? []), key];
      }
    }
  }
  for (const list of Object.values(outcome.notFound)) list.sort();
  return outcome;
}

function reasonOf(mutant: Mutant, unchecked: readonly { reason: string; element?: string }[]): string {
  if (mutant.leavesOpenSlice) return REASONS.leaves;
  const told = unchecked.some(
    ({ reason, element }) =>
      reason === 'codes-not-given' && element !== undefined && mutant.element.split(' > ').at(-1) === element,
  );
  return told ? REASONS.codes : 'missed';
}

describe.skipIf(!sharedDataPresent)('one defect in a good example of a guide', () => {
  let total = 0;
  test.each(GUIDE_NAMES)(
    '%s: is found, or on the list of those that cannot be, and those are not found',
    async (name) => {
      const { made, found, notFound, kinds } = await run(name);
      const wanted = Object.entries(listed[name] ?? {}).map(
        ([reason, keys]) => [reason, keys.filter(isInShare)] as const,
      );
      expect(notFound).toEqual(Object.fromEntries(wanted.filter(([, keys]) => keys.length > 0)));
      expect(found).toBeGreaterThan(made * 0.75);
      expect(Object.keys(kinds).length).toBeGreaterThanOrEqual(6);
      expect(made).toBeGreaterThan(200 / SHARE);
      total += made;
    },
  );

  test('they are more than 200', () => {
    expect(total).toBeGreaterThan(200);
  });

  test('the list gives only these two reasons', () => {
    const reasons = new Set(Object.values(listed).flatMap((each) => Object.keys(each)));
    expect([...reasons].filter((reason) => !Object.values<string>(REASONS).includes(reason))).toEqual([]);
  });
});
