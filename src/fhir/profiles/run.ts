import type { Definitions } from './definitions.ts';
import type { ElementNode } from './element-tree.ts';
import type { ProfileFinding, ProfileRule, Unchecked, UncheckedReason } from './finding.ts';
import type { Item } from './item.ts';
import { PROFILE_LIMITS } from './limits.ts';
import type { Profile, Profiles } from './profiles.ts';
import type { Json } from './structure.ts';

/** The resource that is looked at, and where its references lead. */
export interface Frame {
  readonly resource: Json;
  /** The resource around a contained one; otherwise the resource itself. */
  readonly root: Json;
  /** Entries of the Bundle around it, by fullUrl and by `Type/id`. */
  readonly entries: ReadonlyMap<string, Json> | undefined;
}

/** The walk over elements, handed to what it calls itself. */
export interface Walk {
  /** All that an element (or slice) says of one value and of what is below it. */
  element(item: Item, node: ElementNode, run: Run): void;
  /** All that a profile says of a value. */
  profile(profile: Profile, item: Item, run: Run): void;
}

/** Did a trial find fault, and was all of it checked? */
export type Verdict = 'yes' | 'no' | 'unknown';

/** The state of one check of one resource against one profile. */
export class Run {
  readonly definitions: Definitions;
  readonly profiles: Profiles;
  readonly walk: Walk;
  /** The profile whose demands are looked at; inside an extension that of the extension. */
  profile: Profile;
  frame: Frame;
  findings: ProfileFinding[] = [];
  readonly unchecked = new Map<string, Unchecked>();
  /** What the findings are reported under. */
  readonly #canonical: string;
  /** Profiles being applied, each with the value it is applied to. */
  readonly #applied: { readonly profile: Profile; readonly value: unknown }[] = [];
  #visits = 0;
  /** Was something left open since the trial began? */
  #leftOpen = false;

  constructor(definitions: Definitions, profiles: Profiles, walk: Walk, profile: Profile, frame: Frame) {
    this.definitions = definitions;
    this.profiles = profiles;
    this.walk = walk;
    this.profile = profile;
    this.frame = frame;
    this.#canonical = profile.canonical;
  }

  find(rule: ProfileRule, element: string, path: string, message: string): void {
    this.add({ profile: this.#canonical, severity: 'error', rule, element, path, message });
  }

  add(finding: ProfileFinding): void {
    if (this.findings.length < PROFILE_LIMITS.findings) this.findings.push(finding);
  }

  get canonical(): string {
    return this.#canonical;
  }

  /** Tells once what could not be checked. */
  leave(reason: UncheckedReason, element?: string, about?: string): void {
    this.#leftOpen = true;
    const key = `${reason} ${element ?? ''} ${about ?? ''}`;
    if (this.unchecked.has(key)) return;
    this.unchecked.set(key, {
      profile: this.#canonical,
      reason,
      ...(element !== undefined && { element }),
      ...(about !== undefined && { about }),
    });
  }

  /** Counts a step; false when there were too many, which is told. */
  mayGoOn(): boolean {
    if (++this.#visits <= PROFILE_LIMITS.visits) return true;
    this.leave('too-much-work');
    return false;
  }

  /** Looks whether a check would find an error, without reporting it. */
  attempt(check: () => void): Verdict {
    const { findings } = this;
    const wasLeftOpen = this.#leftOpen;
    this.findings = [];
    this.#leftOpen = false;
    check();
    const failed = this.findings.some(({ severity }) => severity === 'error');
    const verdict: Verdict = failed ? 'no' : this.#leftOpen ? 'unknown' : 'yes';
    this.findings = findings;
    this.#leftOpen = wasLeftOpen;
    return verdict;
  }

  /** Applies another profile to a value; the same to the same value only once, and not endlessly inside one another. */
  within(profile: Profile, value: unknown, frame: Frame, check: () => void): void {
    if (this.#applied.some((each) => each.profile === profile && each.value === value)) return;
    if (this.#applied.length >= PROFILE_LIMITS.profileDepth) {
      this.leave('too-much-work');
      return;
    }
    const before = { profile: this.profile, frame: this.frame };
    this.#applied.push({ profile, value });
    this.profile = profile;
    this.frame = frame;
    check();
    this.profile = before.profile;
    this.frame = before.frame;
    this.#applied.pop();
  }
}
