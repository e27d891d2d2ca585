import type { ProfileFinding, ProfileRule, Unchecked, UncheckedReason } from '#/fhir/profiles/finding.ts';
import type { ValidationIssue } from '#/fhir/validate/validate.ts';

/** The report of `validate --json`. Nothing in it is content of a resource. */
export interface ValidationReport {
  readonly files: number;
  /** Resources; a Bundle is what it holds. */
  readonly read: number;
  /** Lines and entries that are no resource, by reason. */
  readonly unreadable: number;
  readonly unreadable_by_reason: Readonly<Record<string, number>>;
  /** Resources that are not valid R4. */
  readonly not_r4: number;
  readonly packages: readonly { readonly name: string; readonly version: string | null }[];
  readonly profiles: readonly ProfileCount[];
  /** What was found, the most frequent first. */
  readonly findings: readonly FindingGroup[];
  /** What could not be checked. It is no fault of the resources. */
  readonly unchecked: readonly UncheckedGroup[];
  /** Kinds of findings and of unchecked that the report has no room for. */
  readonly left_out: number;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  readonly bytes: number;
  readonly seconds: number;
}

export interface ProfileCount {
  /** `url|version` */
  readonly profile: string;
  /** Resources that were checked. */
  readonly checked: number;
  /** Of these, those with an error. */
  readonly failed: number;
  readonly errors: number;
  readonly warnings: number;
}

export interface FindingGroup {
  /** `R4` for what the base validator says. */
  readonly profile: string;
  readonly severity: 'error' | 'warning';
  readonly rule: ProfileRule | ValidationIssue['code'];
  /** Of an invariant. */
  readonly key?: string;
  /** The element as the profile names it; of R4 the path without places in lists. */
  readonly path: string;
  readonly message: string;
  readonly count: number;
  /** The first of them. */
  readonly places: readonly FindingPlace[];
}

export interface FindingPlace {
  readonly file: string;
  readonly line: number;
  readonly path: string;
}

export interface UncheckedGroup {
  readonly profile: string;
  readonly reason: UncheckedReason;
  readonly element?: string;
  readonly about?: string;
  readonly count: number;
}

/** Places named for each kind of finding. */
const PLACES_MAX = 10;
/** Kinds of findings, and of what was not checked, in one report. */
export const GROUPS_MAX = 10_000;
export const R4 = 'R4';

type Counting<T> = { -readonly [K in keyof T]: T[K] };

/** Counts what is found, as it is found; memory stays flat whatever the feed. */
export class ReportCollector {
  read = 0;
  notR4 = 0;
  bytes = 0;
  #leftOut = 0;
  readonly #unreadable = new Map<string, number>();
  readonly #profiles = new Map<string, Counting<ProfileCount>>();
  readonly #findings = new Map<string, Counting<FindingGroup> & { places: FindingPlace[] }>();
  readonly #unchecked = new Map<string, Counting<UncheckedGroup>>();

  unreadable(reason: string): void {
    this.#unreadable.set(reason, (this.#unreadable.get(reason) ?? 0) + 1);
  }

  checked(profiles: readonly string[], findings: readonly ProfileFinding[]): void {
    const failed = new Set<string>();
    for (const profile of profiles) this.#count(profile).checked++;
    for (const { profile, severity } of findings) {
      const count = this.#count(profile);
      if (severity === 'warning') count.warnings++;
      else {
        count.errors++;
        failed.add(profile);
      }
    }
    for (const profile of failed) this.#count(profile).failed++;
  }

  find(group: Omit<FindingGroup, 'count' | 'places'>, place: FindingPlace): void {
    const key = JSON.stringify([group.profile, group.severity, group.rule, group.key, group.path, group.message]);
    let known = this.#findings.get(key);
    if (!known) {
      if (this.#findings.size >= GROUPS_MAX) {
        this.#leftOut++;
        return;
      }
      known = { ...group, count: 0, places: [] };
      this.#findings.set(key, known);
    }
    known.count++;
    if (known.places.length < PLACES_MAX) known.places.push(place);
  }

  leave(unchecked: Unchecked): void {
    const key = JSON.stringify([unchecked.profile, unchecked.reason, unchecked.element, unchecked.about]);
    const known = this.#unchecked.get(key);
    if (known) known.count++;
    else if (this.#unchecked.size < GROUPS_MAX) this.#unchecked.set(key, { ...unchecked, count: 1 });
    else this.#leftOut++;
  }

  /** Errors so far, for the progress line. */
  get unreadableCount(): number {
    return [...this.#unreadable.values()].reduce((sum, count) => sum + count, 0);
  }

  report(about: Pick<ValidationReport, 'files' | 'packages' | 'skipped' | 'seconds'>): ValidationReport {
    return {
      files: about.files,
      read: this.read,
      unreadable: this.unreadableCount,
      unreadable_by_reason: Object.fromEntries([...this.#unreadable].sort()),
      not_r4: this.notR4,
      packages: about.packages,
      profiles: [...this.#profiles.values()].sort((a, b) => (a.profile < b.profile ? -1 : 1)),
      findings: [...this.#findings.values()].sort(byCount),
      unchecked: [...this.#unchecked.values()].sort(byCount),
      left_out: this.#leftOut,
      skipped: about.skipped,
      bytes: this.bytes,
      seconds: about.seconds,
    };
  }

  #count(profile: string): Counting<ProfileCount> {
    let count = this.#profiles.get(profile);
    if (!count) {
      count = { profile, checked: 0, failed: 0, errors: 0, warnings: 0 };
      this.#profiles.set(profile, count);
    }
    return count;
  }
}

function byCount(a: { count: number; profile: string }, b: { count: number; profile: string }): number {
  return b.count - a.count || (a.profile < b.profile ? -1 : a.profile > b.profile ? 1 : 0);
}
