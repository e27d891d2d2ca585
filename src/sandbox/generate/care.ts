import { type Day, isoDay } from './calendar.ts';
import type { Illness } from './catalogue/conditions.ts';
import type { MemberContext } from './context.ts';
import { concept, meta, type Reference, type Resource, reference } from './fhir.ts';
import { NUCC, SNOMED, TERMINOLOGY, usCore, usCoreCode } from './systems.ts';

const TEAM = [usCore('careteam')];
const PLAN = [usCore('careplan')];
const GOAL = [usCore('goal')];

/** Doctor, clinic role, the member, and the subscriber of a dependant. */
export function careTeam(context: MemberContext, since: Day, relative: Resource | undefined): Resource {
  const { clinician } = context.home;
  return {
    resourceType: 'CareTeam',
    id: context.nextId('team'),
    meta: meta(TEAM, since, context.asOf),
    status: 'active',
    name: 'Team around the family doctor',
    subject: context.patient,
    period: { start: isoDay(since) },
    participant: [
      { role: [concept(NUCC, clinician.taxonomy)], member: reference(clinician.practitioner) },
      { role: [concept(SNOMED, '17561000', 'Coordinates the care')], member: reference(clinician.role) },
      { role: [concept(SNOMED, '116154003', 'Patient')], member: context.patient },
      ...(relative ? [{ role: [concept(SNOMED, '133932002', 'Caregiver')], member: reference(relative) }] : []),
    ],
  };
}

export function goal(context: MemberContext, since: Day): Resource {
  return {
    resourceType: 'Goal',
    id: context.nextId('goal'),
    meta: meta(GOAL, since, context.asOf),
    lifecycleStatus: 'active',
    achievementStatus: concept(`${TERMINOLOGY}/goal-achievement`, 'in-progress'),
    description: concept(SNOMED, '289169006', 'Reach a weight that is good for the heart'),
    subject: context.patient,
    startDate: isoDay(since),
    target: [{ dueDate: isoDay(since + 365) }],
  };
}

export function carePlan(
  context: MemberContext,
  illness: Illness,
  since: Day,
  team: Resource,
  condition: Reference,
  goalReference: Reference,
): Resource {
  return {
    resourceType: 'CarePlan',
    id: context.nextId('plan'),
    meta: meta(PLAN, since, context.asOf),
    text: {
      status: 'generated',
      div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>Plan for: ${illness.text}. Regular measurements, medicine as prescribed, half an hour of movement a day.</p></div>`,
    },
    status: 'active',
    intent: 'plan',
    category: [concept(usCoreCode('careplan-category'), 'assess-plan')],
    title: `Plan for: ${illness.text}`,
    subject: context.patient,
    period: { start: isoDay(since) },
    careTeam: [reference(team)],
    addresses: [condition],
    goal: [goalReference],
    activity: [{ detail: { status: 'in-progress', description: 'Half an hour of movement a day' } }],
  };
}
