import { ageOn, type Day } from './calendar.ts';
import type { Resource } from './fhir.ts';
import { drawHousehold } from './household.ts';
import { npi } from './identifiers.ts';
import { memberResources } from './member.ts';
import { makePlan, type Plan, type PlanFacts, sharedResources } from './plan.ts';
import { Rng, seedTag } from './rng.ts';
import { drawStory } from './story.ts';

export interface PopulationFacts {
  readonly members: number;
  readonly seed: string;
  /** Nothing in the population happened after this day. */
  readonly asOf: Day;
}

const PLAN: PlanFacts = {
  name: 'Summit Valley Health Plan',
  npi: npi('199999003'),
  naic: '99903',
  payerId: 'SVHP1',
  taxId: '00-9999903',
  idBase: 'https://summit-valley.example.org/ids',
};

/**
 * A plan of any size: first what its members share, then member after member. Nothing is kept, so the memory does
 * not grow with the number of members; the same facts give the same resources in the same order.
 */
export function* population({ members, seed, asOf }: PopulationFacts): Generator<Resource> {
  const tag = seedTag(seed);
  const plan = makePlan(PLAN, seed, tag, asOf, members);
  yield* sharedResources(plan);
  yield* drawnMembers(plan, seed, tag, members, asOf, asOf);
}

/**
 * Members drawn at random, in households.
 *
 * @param today the day from which ages are counted; the sandbox holds it still, so that a reset keeps birth dates
 */
export function* drawnMembers(
  plan: Plan,
  seed: string,
  tag: string,
  members: number,
  asOf: Day,
  today: Day,
): Generator<Resource> {
  for (let made = 0, household = 0; made < members; household++) {
    const rng = new Rng(`${seed}/household/${household}`);
    const first = made;
    const persons = drawHousehold(rng, (index) => memberId(tag, first + index), members - made, today);
    for (const person of persons) {
      const story = drawStory(rng, ageOn(person.birth, today));
      yield* memberResources(seed, plan, person, story, asOf);
    }
    made += persons.length;
  }
}

/** `{tag}-{number}`: 7 digits in base 36 are room for 78 billion members. */
const memberId = (tag: string, index: number): string => `${tag}-${index.toString(36).padStart(7, '0')}`;
