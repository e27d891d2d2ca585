import { isResourceType } from '../resource-types.ts';
import { WALK } from './check.ts';
import type { Definitions } from './definitions.ts';
import { isCoreType, ProfileUnusable } from './elements-of.ts';
import type { ProfileFinding, Unchecked } from './finding.ts';
import { type Profile, Profiles } from './profiles.ts';
import { entriesOf } from './references.ts';
import { type Frame, Run } from './run.ts';
import { type Json, listOf, objectOf } from './structure.ts';

export interface ProfileAnswer {
  readonly findings: readonly ProfileFinding[];
  readonly unchecked: readonly Unchecked[];
  /** `url|version` of every profile that was checked, one for each resource it was checked on. */
  readonly checked: readonly string[];
}

export interface ProfileQuestion {
  /** Profiles to check besides those that a resource claims; those of another type are passed over. */
  readonly profiles?: readonly string[];
  /** The Bundle around the resource by fullUrl and `Type/id`, where it is not part of what is given. */
  readonly entries?: ReadonlyMap<string, Json>;
  /** Leaves the entries of a Bundle to the caller, who asks for each on its own. */
  readonly withoutEntries?: boolean;
  /** Where the resource stands: `Bundle.entry[3].resource`. Default: its type. */
  readonly path?: string;
}

/** Resources inside resources inside ... The base validator allows no deeper ones either. */
const DEPTH_MAX = 100;

/**
 * Checks resources against the profiles of implementation guides. It stands beside the base validator, which every
 * write passes: that one says whether something is R4, this one whether it keeps what its profile promises.
 */
export class ProfileValidator {
  readonly #definitions: Definitions;
  readonly #profiles: Profiles;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
    this.#profiles = new Profiles(definitions);
  }

  /**
   * Checks a resource, and each resource in it, against the profiles that it claims (`meta.profile`) and those asked
   * for. The resource must be valid R4.
   *
   * @returns what is wrong, and what could not be checked with the packages that are given. Neither holds content.
   */
  validate(resource: Json, question: ProfileQuestion = {}): ProfileAnswer {
    const answer = { findings: [] as ProfileFinding[], unchecked: [] as Unchecked[], checked: [] as string[] };
    const frame: Frame = { resource, root: resource, entries: question.entries };
    this.#visit(
      frame,
      question.path ?? (isResourceType(resource.resourceType) ? resource.resourceType : 'Resource'),
      question,
      answer,
      0,
    );
    return answer;
  }

  #visit(
    frame: Frame,
    path: string,
    question: ProfileQuestion,
    answer: { findings: ProfileFinding[]; unchecked: Unchecked[]; checked: string[] },
    depth: number,
  ): void {
    const { resource } = frame;
    const type = String(resource.resourceType);
    const entries = type === 'Bundle' ? entriesOf(resource) : frame.entries;
    const around: Frame = { ...frame, entries };
    const wanted = question.profiles ?? [];
    const claimed = listOf(objectOf(resource.meta)?.profile).filter((canonical) => typeof canonical === 'string');
    for (const canonical of new Set([...claimed, ...wanted])) {
      // R4's own types are the base validator's.
      if (isCoreType(canonical)) continue;
      const profile = this.#usable(canonical, answer.unchecked);
      if (!profile || (profile.type !== type && !claimed.includes(canonical))) continue;
      const run = new Run(this.#definitions, this.#profiles, WALK, profile, around);
      WALK.profile(profile, { value: resource, beside: undefined, choice: undefined, path }, run);
      answer.findings.push(...run.findings);
      answer.unchecked.push(...run.unchecked.values());
      answer.checked.push(profile.canonical);
    }
    if (depth >= DEPTH_MAX || (question.withoutEntries && type === 'Bundle')) return;
    for (const inner of innerOf(resource, path))
      this.#visit(
        { resource: inner.resource, root: inner.isContained ? frame.root : inner.resource, entries },
        inner.path,
        // What was asked for is asked of each resource on its own, not of those that only help another.
        inner.isContained ? {} : question,
        answer,
        depth + 1,
      );
  }

  #usable(canonical: string, unchecked: Unchecked[]): Profile | undefined {
    try {
      return this.#profiles.require(canonical);
    } catch (error) {
      if (!(error instanceof ProfileUnusable)) throw error;
      const reason = error.reason === 'not-loaded' ? 'profile-not-given' : error.reason;
      unchecked.push({ profile: canonical, reason });
      return undefined;
    }
  }
}

interface Inner {
  readonly resource: Json;
  readonly path: string;
  readonly isContained: boolean;
}

function* innerOf(resource: Json, path: string): Generator<Inner> {
  for (const [index, each] of listOf(resource.contained).entries()) {
    const contained = objectOf(each);
    if (contained) yield { resource: contained, path: `${path}.contained[${index}]`, isContained: true };
  }
  if (resource.resourceType === 'Bundle')
    for (const [index, each] of listOf(resource.entry).entries()) {
      const inner = objectOf(objectOf(each)?.resource);
      if (inner) yield { resource: inner, path: `${path}.entry[${index}].resource`, isContained: false };
    }
  if (resource.resourceType === 'Parameters') yield* ofParameters(resource.parameter, `${path}.parameter`);
}

function* ofParameters(list: unknown, path: string): Generator<Inner> {
  for (const [index, each] of listOf(list).entries()) {
    const parameter = objectOf(each);
    const inner = objectOf(parameter?.resource);
    if (inner) yield { resource: inner, path: `${path}[${index}].resource`, isContained: false };
    yield* ofParameters(parameter?.part, `${path}[${index}].part`);
  }
}
