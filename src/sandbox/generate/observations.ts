import { ageOn, type Day, isoTime } from './calendar.ts';
import type { Analyte, Panel } from './catalogue/labs.ts';
import type { MemberContext } from './context.ts';
import { concept, meta, quantity, type Reference, type Resource, reference } from './fhir.ts';
import { LOINC, SNOMED, TERMINOLOGY, usCore } from './systems.ts';

const LAB = [usCore('observation-lab')];
const SPECIMEN = [usCore('specimen')];
const REPORT = [usCore('diagnosticreport-lab')];
const SMOKING = [usCore('smokingstatus')];

export const category = (code: string) => concept(`${TERMINOLOGY}/observation-category`, code);

/** A drawn value of an analyte with its decimals, now and then above or below the reference range. */
function drawValue(context: MemberContext, analyte: Analyte): number {
  const scale = 10 ** analyte.decimals;
  return context.rng.int(Math.round(analyte.low * scale * 0.95), Math.round(analyte.high * scale * 1.05)) / scale;
}

export interface LabResults {
  readonly specimen: Resource;
  readonly results: readonly Resource[];
}

/** What a laboratory sends back: the specimen and one Observation per analyte (the first `limit` of the panel). */
export function labResults(
  context: MemberContext,
  panel: Panel,
  visit: Reference,
  day: Day,
  performer?: Reference,
  limit = 9,
): LabResults {
  const [code, text] = panel.specimen;
  const specimen: Resource = {
    resourceType: 'Specimen',
    id: context.nextId('spec'),
    meta: meta(SPECIMEN, day, context.asOf),
    status: 'available',
    type: concept(SNOMED, code, text),
    subject: context.patient,
    receivedTime: isoTime(day, 660),
    collection: { collectedDateTime: isoTime(day, 550) },
  };
  const results = panel.analytes.slice(0, limit).map((analyte): Resource => {
    const value = drawValue(context, analyte);
    return {
      resourceType: 'Observation',
      id: context.nextId('obs'),
      meta: meta(LAB, day + 1, context.asOf),
      status: 'final',
      category: [category('laboratory')],
      code: concept(LOINC, analyte.loinc, analyte.text),
      subject: context.patient,
      encounter: visit,
      effectiveDateTime: isoTime(day, 550),
      issued: isoTime(day, 1020),
      ...(performer ? { performer: [performer] } : {}),
      ...(context.rng.chance(SPOILED) ? NO_VALUE : labValue(value, analyte)),
      specimen: reference(specimen),
      referenceRange: [{ low: quantity(analyte.low, analyte.unit), high: quantity(analyte.high, analyte.unit) }],
    };
  });
  return { specimen, results };
}

/** Share of results that could not be measured. */
const SPOILED = 0.02;
const NO_VALUE = {
  dataAbsentReason: concept(`${TERMINOLOGY}/data-absent-reason`, 'error', 'The specimen was spoiled'),
};

function labValue(value: number, analyte: Analyte) {
  const interpretation = value > analyte.high ? 'H' : value < analyte.low ? 'L' : 'N';
  return {
    valueQuantity: quantity(value, analyte.unit),
    interpretation: [concept(`${TERMINOLOGY}/v3-ObservationInterpretation`, interpretation)],
  };
}

export function labReport(
  context: MemberContext,
  panel: Panel,
  labs: LabResults,
  visit: Reference,
  day: Day,
  performer: Reference,
): Resource {
  return {
    resourceType: 'DiagnosticReport',
    id: context.nextId('rep'),
    meta: meta(REPORT, day + 1, context.asOf),
    status: 'final',
    category: [concept(`${TERMINOLOGY}/v2-0074`, 'LAB')],
    code: concept(LOINC, panel.loinc, panel.text),
    subject: context.patient,
    encounter: visit,
    effectiveDateTime: isoTime(day, 550),
    issued: isoTime(day, 1020),
    performer: [performer],
    specimen: [reference(labs.specimen)],
    result: labs.results.map(reference),
  };
}

export type VitalSign =
  | 'blood-pressure'
  | 'body-weight'
  | 'body-height'
  | 'bmi'
  | 'heart-rate'
  | 'body-temperature'
  | 'respiratory-rate'
  | 'pulse-oximetry';

/** LOINC codes and UCUM units of the vital signs profiles (patient-access.md 5.6). */
const VITALS: Readonly<
  Record<
    Exclude<VitalSign, 'blood-pressure' | 'pulse-oximetry'>,
    readonly [loinc: string, unit: string, text: string, low: number, high: number]
  >
> = {
  'body-weight': ['29463-7', 'kg', 'Weight', 52, 98],
  'body-height': ['8302-2', 'cm', 'Height', 152, 189],
  bmi: ['39156-5', 'kg/m2', 'Body mass index', 20, 33],
  'heart-rate': ['8867-4', '/min', 'Heart rate', 58, 96],
  'body-temperature': ['8310-5', 'Cel', 'Temperature', 36, 38],
  'respiratory-rate': ['9279-1', '/min', 'Breaths per minute', 12, 19],
};

export function vitalSign(context: MemberContext, kind: VitalSign, visit: Reference, day: Day): Resource {
  const frame = {
    resourceType: 'Observation',
    id: context.nextId('obs'),
    meta: meta([usCore(kind)], day, context.asOf),
    status: 'final',
    category: [category('vital-signs')],
  };
  const rest = { subject: context.patient, encounter: visit, effectiveDateTime: isoTime(day, 545) };
  if (kind === 'blood-pressure')
    return { ...frame, code: concept(LOINC, '85354-9', 'Blood pressure'), ...rest, component: bloodPressure(context) };
  if (kind === 'pulse-oximetry')
    return {
      ...frame,
      code: OXYGEN,
      ...rest,
      valueQuantity: quantity(context.rng.int(93, 99), '%'),
      component: OXYGEN_SUPPLY,
    };
  const [loinc, unit, text, low, high] = VITALS[kind];
  const childhood = Math.min(1, (ageOn(context.person.birth, day) + 3) / 20);
  const grows = kind === 'body-weight' || kind === 'body-height';
  const value = Math.round(context.rng.int(low * 10, high * 10) * (grows ? childhood : 1)) / 10;
  return { ...frame, code: concept(LOINC, loinc, text), ...rest, valueQuantity: quantity(value, unit) };
}

/** Breathing plain air: no flow, 21 per cent of oxygen. */
const OXYGEN_SUPPLY = [
  { code: concept(LOINC, '3151-8', 'Flow of oxygen'), valueQuantity: quantity(0, 'L/min') },
  { code: concept(LOINC, '3150-0', 'Share of oxygen breathed in'), valueQuantity: quantity(21, '%') },
];

const OXYGEN = {
  coding: [
    { system: LOINC, code: '59408-5' },
    { system: LOINC, code: '2708-6' },
  ],
  text: 'Oxygen in the blood',
};

const bloodPressure = (context: MemberContext) => [
  {
    code: concept(LOINC, '8480-6', 'Upper value'),
    valueQuantity: quantity(context.rng.int(104, 158), 'mm[Hg]', 'mmHg'),
  },
  { code: concept(LOINC, '8462-4', 'Lower value'), valueQuantity: quantity(context.rng.int(62, 96), 'mm[Hg]', 'mmHg') },
];

/** SNOMED CT: never smoked, former smoker, smokes every day. */
const SMOKING_ANSWERS = [
  ['266919005', 'Never smoked'],
  ['8517006', 'Smoked in the past'],
  ['449868002', 'Smokes every day'],
] as const;

export function smokingStatus(context: MemberContext, visit: Reference, day: Day): Resource {
  const [code, text] = SMOKING_ANSWERS[context.rng.chance(0.6) ? 0 : context.rng.chance(0.6) ? 1 : 2];
  return {
    resourceType: 'Observation',
    id: context.nextId('obs'),
    meta: meta(SMOKING, day, context.asOf),
    status: 'final',
    category: [category('social-history')],
    code: concept(LOINC, '72166-2', 'Tobacco smoking'),
    subject: context.patient,
    encounter: visit,
    effectiveDateTime: isoTime(day, 545),
    valueCodeableConcept: concept(SNOMED, code, text),
  };
}
