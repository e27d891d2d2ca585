/** What a profile demands and a resource does not do. Nothing in it is content of the resource. */
export interface ProfileFinding {
  /** `url|version` of the profile. */
  readonly profile: string;
  readonly severity: 'error' | 'warning';
  readonly rule: ProfileRule;
  /** Of an invariant: `us-core-8`. */
  readonly key?: string;
  /** The element as the profile names it: `ExplanationOfBenefit.item.adjudication:allowedunits.value`. */
  readonly element: string;
  /** Where in the resource: `ExplanationOfBenefit.item[0].adjudication[2].value`. */
  readonly path: string;
  readonly message: string;
}

export type ProfileRule =
  | 'cardinality'
  | 'fixed'
  | 'pattern'
  | 'type'
  | 'target'
  | 'binding'
  | 'slicing'
  | 'value-range'
  | 'invariant';

/** What could not be checked with what was given. It is told, and never counted as a fault. */
export interface Unchecked {
  readonly profile: string;
  readonly reason: UncheckedReason;
  /** The element as the profile names it; absent when it is the whole profile. */
  readonly element?: string;
  /** What was missing: the canonical of a value set or definition, the key of an invariant. */
  readonly about?: string;
}

export type UncheckedReason =
  /** The profile is in none of the packages, or only in other versions. */
  | 'profile-not-given'
  /** What the profile builds on is in none of the packages. */
  | 'base-not-given'
  /** Definitions build on one another in a circle, or too many of them. */
  | 'definition-cycle'
  /** An extension or data type profile is in none of the packages. */
  | 'definition-not-given'
  /** The codes of the value set are not in the packages. */
  | 'codes-not-given'
  /** The invariant asks for a resource that is not at hand. */
  | 'reference-not-at-hand'
  /** The invariant cannot be evaluated. */
  | 'invariant-not-evaluable'
  /** Nothing in the profile tells the slices apart. */
  | 'slices-not-told-apart'
  /** The resource and profile take more steps than are made. */
  | 'too-much-work';
