import type { Day } from './calendar.ts';
import type { CoverageSpan, Product } from './coverage.ts';
import type { Reference } from './fhir.ts';
import type { Person } from './person.ts';
import type { Clinician, Facility, FacilityKind, Plan, Specialty } from './plan.ts';
import type { Rng } from './rng.ts';

/** What every part of one member's record is made from. */
export interface MemberContext {
  readonly rng: Rng;
  readonly plan: Plan;
  readonly person: Person;
  readonly patient: Reference;
  readonly product: Product;
  readonly coverages: readonly CoverageSpan[];
  /** The day as of which the record is written; nothing in it happened later. */
  readonly asOf: Day;
  /**
   * `standalone`: the record refers to the plan's Organizations, Practitioners and Locations. `contained`: no
   * reference leaves the member's own types; payer and providers are contained (payer-to-payer.md 2, Jay Young).
   */
  readonly parties: 'standalone' | 'contained';
  /** The member's doctor and clinic. */
  readonly home: { readonly clinician: Clinician; readonly facility: Facility };
  /** `{member}-{kind}-{n}`; n counts per kind, so ids do not depend on the date. */
  nextId(kind: string): string;
}

export function idCounter(memberId: string): (kind: string) => string {
  const counts: Record<string, number> = {};
  return (kind) => {
    const count = (counts[kind] ?? 0) + 1;
    counts[kind] = count;
    return `${memberId}-${kind}-${count}`;
  };
}

export const pickFacility = (context: MemberContext, kind: FacilityKind): Facility =>
  context.rng.pick(context.plan.facilities[kind]);

export const pickClinician = (context: MemberContext, specialty: Specialty): Clinician =>
  context.rng.pick(context.plan.clinicians[specialty]);
