import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXPORTABLE_TYPES } from './exportable-types.ts';
import { type ConsentingMember, planParts, planSlices, SLICE_MEMBERS_MAX } from './plan.ts';
import { LAST_SLICE } from './slices.ts';

const members = (count: number, policy: ConsentingMember['policy'] = 'regular'): ConsentingMember[] =>
  Array.from({ length: count }, (_, i) => ({
    mk: String((BigInt(i) * 7919n - 5000n) * 1_000_000_007n),
    memberId: `m${i}`,
    policy,
  }));

test('one member is one slice, and the end of the export another', () => {
  expect(planSlices(members(1), 8).map(({ slice, members }) => [slice, members.length])).toEqual([
    [1, 1],
    [LAST_SLICE, 0],
  ]);
});

test('a hundred members are cut for two cores, a million into slices of seconds', () => {
  expect(planSlices(members(100), 2).map(({ members }) => members.length)).toEqual([50, 50, 0]);
  expect(planSlices(members(33), 64).map(({ members }) => members.length)).toEqual([32, 1, 0]);
  expect(Math.max(...planSlices(members(60_000), 2).map(({ members }) => members.length))).toBe(SLICE_MEMBERS_MAX);
});

test('every member is in exactly one slice, with members of the same consent policy only, ordered by locator', () => {
  fc.assert(
    fc.property(fc.nat(300), fc.nat(300), fc.integer({ min: 1, max: 16 }), (regular, sensitive, parallel) => {
      const given = [
        ...members(regular),
        ...members(sensitive, 'sensitive').map((member) => ({ ...member, memberId: `s${member.memberId}` })),
      ];
      const slices = planSlices(given, parallel);
      const placed = slices.flatMap(({ members, policy }) => members.map(({ memberId }) => `${policy} ${memberId}`));
      expect(placed.sort()).toEqual(given.map(({ memberId, policy }) => `${policy} ${memberId}`).sort());
      expect(new Set(slices.map(({ slice }) => slice)).size).toBe(slices.length);
      for (const { members } of slices) {
        const keys = members.map(({ mk }) => BigInt(mk));
        expect(keys).toEqual([...keys].sort((a, b) => (a < b ? -1 : 1)));
      }
    }),
  );
});

test('parts hold the types asked for and no other; shared types belong to the last slice (P2P-27)', () => {
  const slices = planSlices(members(40), 2);
  const parts = planParts(slices, ['Practitioner', 'Patient', 'Observation'], false);
  expect(parts.map(({ slice, type }) => `${slice} ${type}`)).toEqual([
    '1 Patient',
    '1 Observation',
    '2 Patient',
    '2 Observation',
    '0 Practitioner',
  ]);
  expect(planParts(slices, [], false)).toEqual([]);
  const last = (types: readonly string[]): string[] =>
    planParts(slices, types, false).flatMap(({ slice, type }) => (slice === LAST_SLICE ? [type] : []));
  expect(last(['Patient', 'Provenance'])).toEqual([]);
  expect(last(['Patient', 'Provenance', 'Location'])).toEqual(['Location', 'Provenance']);
  expect(planParts(slices, EXPORTABLE_TYPES, false).filter(({ slice }) => slice === 1)).toHaveLength(22);
});
