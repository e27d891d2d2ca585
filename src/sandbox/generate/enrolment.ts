import { ageOn, type Day, dayOf, yearOf } from './calendar.ts';
import { idCounter, type MemberContext } from './context.ts';
import { type CoverageFacts, type CoverageSpan, coverage, PRODUCTS, type Product } from './coverage.ts';
import { type Reference, type Resource, reference } from './fhir.ts';
import { type Person, patient, relatedPerson } from './person.ts';
import type { Plan } from './plan.ts';
import type { Rng } from './rng.ts';
import type { Story } from './story.ts';

export interface Enrolment {
  readonly context: MemberContext;
  /** Patient, the subscriber of a dependant, coverages. */
  readonly resources: readonly Resource[];
  readonly relative: Resource | undefined;
  /** No visit before `from` or after `until`: inside the coverage, and early enough for every bill to be decided. */
  readonly from: Day;
  readonly until: Day;
}

/** Longest time from a service to the payment of its claim, and a little more. */
const SETTLING_DAYS = 40;

/** A member enters the plan: the resources that everything else refers to. */
export function enrol(rng: Rng, plan: Plan, person: Person, story: Story, asOf: Day): Enrolment {
  const { idBase } = plan.facts;
  const nextId = idCounter(person.id);
  const from = Math.max(asOf - story.historyDays, person.birth);
  const since = Math.max(dayOf(yearOf(from), 1, 1), person.birth);
  const died = story.hasDied ? asOf - (story.coverageEndedAgo ?? 0) : undefined;
  const member = patient(person, idBase, since, asOf, died);
  const patientReference = reference(member);
  const relative =
    person.relationship === 'self' ? undefined : relatedPerson(nextId('rel'), person, patientReference, since, asOf);
  const subscriber: Reference = relative ? reference(relative) : patientReference;
  const age = ageOn(person.birth, asOf);
  const product = PRODUCTS[age >= 65 ? 2 : rng.int(0, 1)]!;
  const spans = coverageFacts(plan, story, product, since, asOf, nextId, rng).map((facts) =>
    coverage(facts, person, patientReference, subscriber, idBase, asOf),
  );
  const { clinicians, facilities } = plan;
  const context: MemberContext = {
    rng,
    plan,
    person,
    patient: patientReference,
    product,
    coverages: spans,
    asOf,
    parties: 'standalone',
    home: {
      clinician: rng.pick(age < 18 ? clinicians.pediatrics : clinicians.primary),
      facility: rng.pick(facilities.clinic),
    },
    nextId,
  };
  return {
    context,
    resources: [member, ...(relative ? [relative] : []), ...spans.map((span: CoverageSpan) => span.resource)],
    relative,
    from,
    until: asOf - (story.coverageEndedAgo ?? 0) - SETTLING_DAYS,
  };
}

function coverageFacts(
  plan: Plan,
  story: Story,
  product: Product,
  since: Day,
  asOf: Day,
  nextId: MemberContext['nextId'],
  rng: Rng,
): CoverageFacts[] {
  const payor = reference(plan.payer);
  const switched = dayOf(yearOf(asOf) - 1, 1, 1);
  const end = story.coverageEndedAgo === undefined ? undefined : asOf - story.coverageEndedAgo;
  const earlier = PRODUCTS[product === PRODUCTS[0] ? 1 : 0]!;
  const hadOther = story.hadOtherProduct === true && switched > since;
  const facts: CoverageFacts[] = hadOther
    ? [
        { id: nextId('cov'), start: since, end: switched - 1, product: earlier, payor },
        { id: nextId('cov'), start: switched, end, product, payor },
      ]
    : [{ id: nextId('cov'), start: since, end, product, payor }];
  if (story.hasOtherPayer) {
    facts.push({
      id: nextId('cov'),
      start: switched,
      product: earlier,
      payor: reference(plan.otherPayer),
      isOurs: false,
      memberId: `QH${rng.digits(8)}`,
    });
  }
  return facts;
}
