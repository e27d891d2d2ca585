import { authorizations } from './authorization-requests.ts';
import { ageOn, type Day } from './calendar.ts';
import { carePlan, careTeam, goal } from './care.ts';
import { ACUTE, CHECK_UP, type Illness } from './catalogue/conditions.ts';
import { claimWithoutCoverageReference, everyClaim } from './claims/every-claim.ts';
import { problem } from './conditions.ts';
import type { MemberContext } from './context.ts';
import { dentalVisit, eyeVisit } from './dental-and-eye.ts';
import { imagingReport } from './documents.ts';
import { type Enrolment, enrol } from './enrolment.ts';
import { type Reference, type Resource, reference } from './fhir.ts';
import { smokingStatus } from './observations.ts';
import type { Person } from './person.ts';
import type { Plan } from './plan.ts';
import { provenance } from './provenance.ts';
import { Rng } from './rng.ts';
import { foodScreening } from './screening.ts';
import { sensitiveCare } from './sensitive-care.ts';
import type { Story } from './story.ts';
import { allergy, immunization, implantedDevice, procedure, serviceRequest } from './treatments.ts';
import { drugTreatment, emergencyVisit, firstDrug, hospitalStay, officeVisit } from './visits.ts';

/**
 * The whole record of one member. A stream of random numbers of its own makes it independent of all other members:
 * adding a member to a plan changes nobody else's bytes.
 */
export function memberResources(
  seed: string,
  plan: Plan,
  person: Person,
  story: Story,
  asOf: Day,
): readonly Resource[] {
  const enrolment = enrol(new Rng(`${seed}/${person.id}`), plan, person, story, asOf);
  const { context } = enrolment;
  const clinical = [
    ...checkUps(enrolment, story),
    ...lastingIllnesses(enrolment, story),
    ...passingIllnesses(enrolment, story),
    ...hospital(enrolment, story),
  ];
  const resources = [
    ...enrolment.resources,
    ...(story.hasAllergy ? [allergy(context, enrolment.from + 20)] : []),
    ...clinical,
    ...times(story.dentalVisits, (index) =>
      dentalVisit(context, dayWithin(enrolment), index % 2 === 0 ? 'check' : 'filling'),
    ),
    ...times(story.eyeVisits, () => eyeVisit(context, dayWithin(enrolment))),
    ...(story.hasSensitiveCare ? sensitiveCare(context, dayWithin(enrolment)) : []),
    ...authorizations(context, story),
    ...(story.hasEveryClaim ? everyClaim(context) : []),
    ...(story.hasCoverageByIdentifier ? [claimWithoutCoverageReference(context)] : []),
    ...(story.hasImplant ? [implantedDevice(context, dayWithin(enrolment))] : []),
  ];
  return [...resources, provenance(context, clinical.filter(isClinical).slice(0, PROVENANCE_TARGETS), asOf)];
}

/** Provenance names the first so many clinical resources. */
const PROVENANCE_TARGETS = 20;

const isClinical = (resource: Resource): boolean => resource.resourceType !== 'ExplanationOfBenefit';

/** A day inside the time in which the member was covered. */
const dayWithin = ({ context, from, until }: Enrolment): Day => context.rng.int(from, Math.max(from, until));

const times = (count: number, make: (index: number) => readonly Resource[]): Resource[] =>
  Array.from({ length: count }, (_, index) => make(index)).flat();

const FIRST_VITALS = ['blood-pressure', 'body-weight', 'body-height', 'bmi'] as const;
const LATER_VITALS = ['blood-pressure', 'body-weight'] as const;

function checkUps(enrolment: Enrolment, story: Story): Resource[] {
  const { context, from, until } = enrolment;
  const performer = reference(context.home.clinician.practitioner);
  return times(story.checkUps, (index) => {
    const day = Math.min(until, from + index * 365 + context.rng.int(0, 60));
    const resources = officeVisit(context, CHECK_UP, day, index === 0 ? FIRST_VITALS : LATER_VITALS);
    const at = reference(resources[0]!);
    const vaccine = immunization(context, day, performer);
    const isAdult = ageOn(context.person.birth, day) >= 18;
    return [
      ...resources,
      ...(isAdult && index === 0 ? [smokingStatus(context, at, day)] : []),
      ...(vaccine ? [vaccine] : []),
      ...(index === 0 ? [procedure(context, 'medicationReview', at, day, performer)] : []),
      ...(index === 0 && story.isCoordinated ? foodScreening(context, at, day, performer) : []),
    ];
  });
}

function lastingIllnesses(enrolment: Enrolment, story: Story): Resource[] {
  const { context, from, until } = enrolment;
  return story.chronic.flatMap((illness, index) => {
    const onset = from + context.rng.int(0, Math.max(1, Math.floor((until - from) / 3)));
    const isOver = illness.key === 'rhinitis';
    const condition = problem(context, illness, onset, isOver ? Math.min(until, onset + 300) : undefined);
    const visit = officeVisit(context, illness, Math.min(until, onset + 14), ['blood-pressure'], reference(condition));
    const drug = firstDrug(context, illness);
    const at = reference(visit[0]!);
    const start = Math.min(until, onset + 14);
    return [
      condition,
      ...visit,
      ...(drug
        ? drugTreatment(
            context,
            {
              drug,
              day: start,
              visit: at,
              reason: reference(condition),
              isOngoing: !isOver,
              fills: story.fillsPerDrug,
            },
            until,
          )
        : []),
      ...(index === 0 && story.isCoordinated
        ? coordination(context, illness, onset, reference(condition), enrolment.relative)
        : []),
    ];
  });
}

function coordination(
  context: MemberContext,
  illness: Illness,
  since: Day,
  condition: Reference,
  relative: Resource | undefined,
): Resource[] {
  const team = careTeam(context, since, relative);
  const aim = goal(context, since);
  return [team, aim, carePlan(context, illness, since, team, condition, reference(aim))];
}

function passingIllnesses(enrolment: Enrolment, story: Story): Resource[] {
  const { context, until } = enrolment;
  const performer = reference(context.home.clinician.practitioner);
  return times(story.officeVisits, (index) => {
    const day = dayWithin(enrolment);
    const age = ageOn(context.person.birth, day);
    const illness = context.rng.pick(ACUTE.filter((candidate) => age >= candidate.minAge && age <= candidate.maxAge));
    const visit = officeVisit(context, illness, day, context.rng.chance(0.4) ? ['body-temperature'] : []);
    const at = reference(visit[0]!);
    const drug = firstDrug(context, illness);
    const needsXray = index === 0 && illness.key === 'bronchitis';
    return [
      ...visit,
      ...(drug
        ? drugTreatment(context, { drug, day, visit: at, reason: undefined, isOngoing: false, fills: 1 }, until)
        : []),
      ...(needsXray
        ? [
            serviceRequest(context, 'chestXray', at, day, performer),
            procedure(context, 'chestXray', at, day, performer),
            imagingReport(context, at, day, performer),
          ]
        : []),
    ];
  });
}

function hospital(enrolment: Enrolment, story: Story): Resource[] {
  const { context } = enrolment;
  const age = ageOn(context.person.birth, context.asOf);
  const byKey = (key: string) => story.chronic.find((illness) => illness.key === key);
  const acute = ACUTE.filter((candidate) => age >= candidate.minAge + 7 && age <= candidate.maxAge);
  const reason = () => context.rng.pick(acute.length > 0 ? acute : ACUTE.slice(0, 1));
  return [
    ...times(story.emergencies, () => emergencyVisit(context, reason(), dayWithin(enrolment), context.rng.chance(0.1))),
    ...times(story.hospitalStays, () => {
      const start = Math.max(enrolment.from, dayWithin(enrolment) - 8);
      return hospitalStay(context, byKey('kneeArthrosis') ?? reason(), start, context.rng.int(1, 5));
    }),
  ];
}
