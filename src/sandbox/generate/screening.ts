import { type Day, isoTime } from './calendar.ts';
import type { MemberContext } from './context.ts';
import { concept, meta, type Reference, type Resource, reference } from './fhir.ts';
import { category } from './observations.ts';
import { LOINC, usCore, usCoreCode } from './systems.ts';

const ANSWERS = [usCore('questionnaireresponse')];
const SCREENING = [usCore('observation-screening-assessment')];

/** LOINC codes of the hunger questions, asked and answered in our own words. */
const QUESTIONS = [
  ['88122-7', 'Did you worry that food would run out before there was money for more?'],
  ['88123-5', 'Did the food not last, with no money for more?'],
] as const;
const ANSWER = { system: LOINC, code: 'LA28398-8' } as const;

/** What the member answered, and one Observation per answer under a panel. */
export function foodScreening(
  context: MemberContext,
  visit: Reference,
  day: Day,
  author: Reference,
): readonly Resource[] {
  const response: Resource = {
    resourceType: 'QuestionnaireResponse',
    id: context.nextId('qr'),
    meta: meta(ANSWERS, day, context.asOf),
    identifier: { system: `${context.plan.facts.idBase}/questionnaire-response`, value: `Q-${context.person.id}` },
    questionnaire: `${context.plan.facts.idBase}/Questionnaire/food`,
    status: 'completed',
    subject: context.patient,
    authored: isoTime(day, 550),
    author,
    item: [
      {
        linkId: 'food',
        text: 'Food at home during the last year',
        item: QUESTIONS.map(([, text], index) => ({
          linkId: `food.${index + 1}`,
          text,
          answer: [{ valueCoding: { ...ANSWER } }],
        })),
      },
    ],
  };
  const observation = (loinc: string, text: string, rest: object): Resource => ({
    resourceType: 'Observation',
    id: context.nextId('obs'),
    meta: meta(SCREENING, day, context.asOf),
    status: 'final',
    category: [category('survey'), concept(usCoreCode('us-core-category'), 'sdoh')],
    code: concept(LOINC, loinc, text),
    subject: context.patient,
    encounter: visit,
    effectiveDateTime: isoTime(day, 550),
    performer: [author],
    ...rest,
  });
  const answers = QUESTIONS.map(([loinc, text]) =>
    observation(loinc, text, {
      derivedFrom: [reference(response)],
      valueCodeableConcept: { coding: [ANSWER], text: 'Never' },
    }),
  );
  return [response, ...answers, observation('88121-9', 'Food at home', { hasMember: answers.map(reference) })];
}
