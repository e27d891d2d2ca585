import { availableParallelism } from 'node:os';
import type { ConsentPolicy } from '#/consent/consent.ts';
import { EXPORTABLE_TYPES, isMemberType, isSharedType } from './exportable-types.ts';
import { LAST_SLICE, type PlannedMember, type PlannedPart, type PlannedSlice } from './slices.ts';

/** Up to here one slice is quicker than two: every slice costs a COPY for each type. */
export const SLICE_MEMBERS_MIN = 32;
/** Some 650 MB of a plan's usual data: seconds of work, so that little is lost with a killed process. */
export const SLICE_MEMBERS_MAX = 5_000;

/** The part of deletions: only an export with `_since` has it. */
export const DELETIONS = 'Bundle';

/** Files of deletions and of errors stand after all others. */
export const DELETED_POSITION = 900;
export const ERROR_POSITION = 1_000;

export interface ConsentingMember extends PlannedMember {
  readonly policy: ConsentPolicy;
}

/**
 * Cuts the members into slices of one consent policy each, in the order of their locator, so that a slice reads ranges
 * that lie together. A group of ordinary size is cut into as many slices as can run at a time.
 */
export function planSlices(
  members: readonly ConsentingMember[],
  parallel: number = availableParallelism(),
): readonly PlannedSlice[] {
  const size = Math.min(Math.max(Math.ceil(members.length / parallel), SLICE_MEMBERS_MIN), SLICE_MEMBERS_MAX);
  const slices: PlannedSlice[] = [];
  for (const policy of ['regular', 'sensitive'] as const) {
    const ordered = members.filter((member) => member.policy === policy).sort(byLocator);
    for (let from = 0; from < ordered.length; from += size) {
      const part = ordered.slice(from, from + size).map(({ mk, memberId }) => ({ mk, memberId }));
      slices.push({ slice: slices.length + 1, policy, members: part });
    }
  }
  return [...slices, { slice: LAST_SLICE, policy: 'regular', members: [] }];
}

/**
 * One part for each member type of each members' slice, and one for deletions; shared types are the last slice's, and so is
 * the record that they were sent.
 */
export function planParts(
  slices: readonly PlannedSlice[],
  types: readonly string[],
  withDeletions: boolean,
): readonly PlannedPart[] {
  const ordered = EXPORTABLE_TYPES.map((type, position) => ({ type, position })).filter(({ type }) =>
    types.includes(type),
  );
  const deletions = withDeletions ? [{ type: DELETIONS, position: DELETED_POSITION }] : [];
  return slices.flatMap(({ slice }) =>
    slice === LAST_SLICE
      ? lastParts(ordered).map((part) => ({ slice, ...part }))
      : [...ordered.filter(({ type }) => isMemberType(type)), ...deletions].map((part) => ({ slice, ...part })),
  );
}

function lastParts<Part extends { readonly type: string }>(ordered: readonly Part[]): readonly Part[] {
  const shared = ordered.filter(({ type }) => isSharedType(type));
  return shared.length === 0 ? [] : [...shared, ...ordered.filter(({ type }) => type === 'Provenance')];
}

function byLocator(a: PlannedMember, b: PlannedMember): number {
  const [left, right] = [BigInt(a.mk), BigInt(b.mk)];
  return left < right ? -1 : left > right ? 1 : a.memberId < b.memberId ? -1 : a.memberId > b.memberId ? 1 : 0;
}
