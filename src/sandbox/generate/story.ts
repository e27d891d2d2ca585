import { CHRONIC, type Illness } from './catalogue/conditions.ts';
import type { AuthorizationStory } from './prior-authorizations.ts';
import type { Rng } from './rng.ts';

/** What happens to a member. Days are counted back from the as-of day, so the record moves with it. */
export interface Story {
  /** How many days back the first visit lies. */
  readonly historyDays: number;
  /** Set: the coverage ended so many days ago. */
  readonly coverageEndedAgo?: number;
  /** The coverage ended because the member died. */
  readonly hasDied?: boolean;
  /** An earlier product of the same plan before the present one. */
  readonly hadOtherProduct?: boolean;
  /** A coverage with another payer at the same time. */
  readonly hasOtherPayer?: boolean;
  readonly chronic: readonly Illness[];
  readonly officeVisits: number;
  readonly checkUps: number;
  readonly emergencies: number;
  readonly hospitalStays: number;
  readonly dentalVisits: number;
  readonly eyeVisits: number;
  readonly fillsPerDrug: number;
  readonly hasAllergy: boolean;
  /** Care team, goal, plan and screening. */
  readonly isCoordinated: boolean;
  readonly hasImplant?: boolean;
  /** Treatment that the law treats as sensitive, with security labels. */
  readonly hasSensitiveCare?: boolean;
  readonly authorizations: readonly AuthorizationStory[];
  /** Each claim type in each variant of the guide (the kit patient of PA-89). */
  readonly hasEveryClaim?: boolean;
  /** One claim names its coverage by identifier only. */
  readonly hasCoverageByIdentifier?: boolean;
}

/**
 * A likely course for a member of an age. The numbers give about 48 resources a member, a quarter of them claims:
 * the mix that storage.md was measured with.
 */
export function drawStory(rng: Rng, age: number): Story {
  const chronic = CHRONIC.filter(
    (illness) => age >= illness.minAge && age <= illness.maxAge && rng.chance(illness.prevalence),
  ).slice(0, 3);
  const years = rng.int(2, 6);
  return {
    historyDays: years * 365,
    ...(rng.chance(0.08) ? { coverageEndedAgo: rng.int(40, 300) } : {}),
    hadOtherProduct: rng.chance(0.3),
    hasOtherPayer: rng.chance(age >= 65 ? 0.15 : 0.04),
    chronic,
    officeVisits: rng.int(0, 3) + (chronic.length > 1 ? 1 : 0),
    checkUps: rng.int(1, 2),
    emergencies: rng.chance(0.3) ? 1 : 0,
    hospitalStays: rng.chance(age >= 60 ? 0.2 : 0.05) ? 1 : 0,
    dentalVisits: rng.int(0, 3),
    eyeVisits: rng.chance(0.6) ? 1 : 0,
    fillsPerDrug: rng.int(2, 5),
    hasAllergy: rng.chance(0.3),
    isCoordinated: chronic.length > 1,
    hasImplant: age >= 60 && rng.chance(0.05),
    hasSensitiveCare: age >= 18 && rng.chance(0.03),
    authorizations: rng.chance(0.12)
      ? [rng.pick(['active', 'expired', 'denied', 'drug', 'overturned', 'pended'] as const)]
      : [],
  };
}

/** A quiet course for scripted members to start from. */
export const PLAIN_STORY: Story = {
  historyDays: 1300,
  chronic: [],
  officeVisits: 2,
  checkUps: 2,
  emergencies: 0,
  hospitalStays: 0,
  dentalVisits: 1,
  eyeVisits: 0,
  fillsPerDrug: 2,
  hasAllergy: true,
  isCoordinated: false,
  authorizations: [],
};
