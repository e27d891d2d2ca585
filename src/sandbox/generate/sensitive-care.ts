import type { Day } from './calendar.ts';
import { DEPRESSION, OPIOID_USE } from './catalogue/conditions.ts';
import { requireDrug } from './catalogue/drugs.ts';
import { problem } from './conditions.ts';
import type { MemberContext } from './context.ts';
import { type Coding, labelled, type Resource, reference } from './fhir.ts';
import { TERMINOLOGY } from './systems.ts';
import { drugTreatment, officeVisit } from './visits.ts';

const restricted = (code: string): readonly Coding[] => [
  { system: `${TERMINOLOGY}/v3-Confidentiality`, code: 'R' },
  { system: `${TERMINOLOGY}/v3-ActCode`, code },
];
const OPIOID_LABELS = restricted('OPIOIDUD');
const MENTAL_LABELS = restricted('MH');

/** Treatment of opioid dependence and of a depression: every resource of it carries its security labels. */
export function sensitiveCare(context: MemberContext, day: Day): Resource[] {
  const dependence = problem(context, OPIOID_USE, day - 10);
  const visit = officeVisit(context, OPIOID_USE, day, ['heart-rate'], reference(dependence));
  const drug = requireDrug('buprenorphine');
  const treatment = drugTreatment(
    context,
    { drug, day, visit: reference(visit[0]!), reason: reference(dependence), isOngoing: true, fills: 2 },
    day + 35,
  );
  const low = problem(context, DEPRESSION, day - 5);
  const depression = [low, ...officeVisit(context, DEPRESSION, day + 7, [], reference(low))];
  return [
    ...[dependence, ...visit, ...treatment].map((resource) => labelled(resource, OPIOID_LABELS)),
    ...depression.map((resource) => labelled(resource, MENTAL_LABELS)),
  ];
}
