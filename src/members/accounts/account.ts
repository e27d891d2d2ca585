/** By which a member signs in: one email address, one person of the plan. Never a password. */
export interface Account {
  /** The `sub` of tokens. */
  readonly id: string;
  readonly email: string;
  /** The person's unique member identifier. */
  readonly umb: string;
  /** Id of the Patient that stands for the person. */
  readonly patientId: string;
  readonly verifiedBy: VerificationKind;
  /** How well the identity was proved: `match`, `ial/2`, or what the plan's own login says. */
  readonly ial: string;
  readonly verifiedAt: Date;
}

/** How a person proved who he or she is (authorization.md 14). */
export type VerificationKind = 'match-email' | 'plan-oidc' | 'ial2-oidc';

/** What a verifier found out. It returns data only; what follows from it is decided elsewhere. */
export interface Verified {
  readonly umb: string;
  readonly patientId: string;
  readonly verifiedBy: VerificationKind;
  readonly ial: string;
}

/** An account of a sandbox stands for a test member for a while only, so that developers do not get in each other's way. */
export const SANDBOX_ACCOUNT_DAYS = 30;
