import { isCertainlyAfter } from './dates.ts';
import { each, has, hasChoice, hasCoding, must, type Rule } from './rule.ts';
import { isObject } from './run.ts';

const ALLERGY_VERIFICATION = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification';
const CONDITION_CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const CONDITION_VERIFICATION = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';
const ENTERED_IN_ERROR = ['entered-in-error'];

function oneOf(key: string, ...names: string[]): Rule {
  return must(key, `must have ${names.join(' or ')}`, (value) => names.some((name) => has(value, name)));
}

function notBoth(key: string, first: string, second: string): Rule {
  return must(key, `must not have both ${first} and ${second}`, (value) => !has(value, first) || !has(value, second));
}

/** Invariants of resources about people, care and money, where they are cheap: https://hl7.org/fhir/R4/ (each type's page). */
export const clinicalRules: Readonly<Record<string, readonly Rule[]>> = {
  AllergyIntolerance: [
    must(
      'ait-1',
      'must have a clinicalStatus unless entered in error',
      (a) => hasCoding(a.verificationStatus, ALLERGY_VERIFICATION, ENTERED_IN_ERROR) || has(a, 'clinicalStatus'),
    ),
    must(
      'ait-2',
      'must not have a clinicalStatus when entered in error',
      (a) => !hasCoding(a.verificationStatus, ALLERGY_VERIFICATION, ENTERED_IN_ERROR) || !has(a, 'clinicalStatus'),
    ),
  ],
  Appointment: [
    must('app-2', 'must have start and end, or neither', (a) => has(a, 'start') === has(a, 'end')),
    must(
      'app-3',
      'must have start and end unless proposed, cancelled or waitlisted',
      (a) => (has(a, 'start') && has(a, 'end')) || ['proposed', 'cancelled', 'waitlist'].includes(a.status as string),
    ),
    must(
      'app-4',
      'must have a cancelationReason only when cancelled or not shown up for',
      (a) => !has(a, 'cancelationReason') || ['noshow', 'cancelled'].includes(a.status as string),
    ),
  ],
  'Appointment.participant': [oneOf('app-1', 'type', 'actor')],
  AppointmentResponse: [oneOf('apr-1', 'participantType', 'actor')],
  'AuditEvent.entity': [notBoth('sev-1', 'name', 'query')],
  'CarePlan.activity': [notBoth('cpl-3', 'detail', 'reference')],
  'Composition.section': [oneOf('cmp-1', 'text', 'entry', 'section'), notBoth('cmp-2', 'emptyReason', 'entry')],
  Condition: [
    must(
      'con-4',
      'must be resolved, in remission or inactive when abated',
      (c) =>
        !hasChoice(c, 'abatement') ||
        hasCoding(c.clinicalStatus, CONDITION_CLINICAL, ['resolved', 'remission', 'inactive']),
    ),
    must(
      'con-5',
      'must not have a clinicalStatus when entered in error',
      (c) => !hasCoding(c.verificationStatus, CONDITION_VERIFICATION, ENTERED_IN_ERROR) || !has(c, 'clinicalStatus'),
    ),
  ],
  'Condition.stage': [oneOf('con-1', 'summary', 'assessment')],
  'Condition.evidence': [oneOf('con-2', 'code', 'detail')],
  Consent: [oneOf('ppc-1', 'policy', 'policyRule')],
  'CoverageEligibilityResponse.insurance.item': [
    must(
      'ces-1',
      'must have either category or productOrService',
      (i) => has(i, 'category') !== has(i, 'productOrService'),
    ),
  ],
  FamilyMemberHistory: [
    must('fhs-1', 'must not have both age and born', (f) => !hasChoice(f, 'age') || !hasChoice(f, 'born')),
    must('fhs-2', 'must have an age when it has estimatedAge', (f) => !has(f, 'estimatedAge') || hasChoice(f, 'age')),
  ],
  'Goal.target': [
    must('gol-1', 'must have a measure when it has a detail', (t) => !hasChoice(t, 'detail') || has(t, 'measure')),
  ],
  Group: [must('grp-1', 'must be actual when it has members', (g) => !has(g, 'member') || g.actual === true)],
  'Immunization.education': [oneOf('imm-1', 'documentType', 'reference')],
  'ImmunizationRecommendation.recommendation': [oneOf('imr-1', 'vaccineCode', 'targetDisease')],
  InsurancePlan: [oneOf('ipn-1', 'identifier', 'name')],
  Linkage: [must('lnk-1', 'must have more than one item', (l) => each(l.item).length > 1)],
  List: [
    notBoth('lst-1', 'emptyReason', 'entry'),
    must(
      'lst-2',
      'must have deleted entries only as a list of changes',
      (l) => l.mode === 'changes' || each(l.entry).every((entry) => !has(entry, 'deleted')),
    ),
    must(
      'lst-3',
      'must have dates of entries only as a working list',
      (l) => l.mode === 'working' || each(l.entry).every((entry) => !has(entry, 'date')),
    ),
  ],
  MeasureReport: [
    must(
      'mrp-1',
      'must have no group when it only collects data',
      (m) => m.type !== 'data-collection' || !has(m, 'group'),
    ),
  ],
  'MedicationAdministration.dosage': [
    must('mad-1', 'must have dose or rate', (d) => has(d, 'dose') || hasChoice(d, 'rate')),
  ],
  MedicationDispense: [
    must(
      'mdd-1',
      'must not be handed over before it was prepared',
      ({ whenHandedOver, whenPrepared }) =>
        !(
          typeof whenHandedOver === 'string' &&
          typeof whenPrepared === 'string' &&
          isCertainlyAfter(whenPrepared, whenHandedOver)
        ),
    ),
  ],
  Observation: [
    must(
      'obs-6',
      'must not have a dataAbsentReason beside a value',
      (o) => !has(o, 'dataAbsentReason') || !hasChoice(o, 'value'),
    ),
    must(
      'obs-7',
      'must not have a value when a component has the same code',
      (o) => !has(o, 'component') || !hasChoice(o, 'value') || !sharesCode(o),
    ),
  ],
  'Observation.referenceRange': [oneOf('obs-3', 'low', 'high', 'text')],
  Organization: [
    oneOf('org-1', 'identifier', 'name'),
    must('org-2', 'must not have a home address', (o) => each(o.address).every((address) => address.use !== 'home')),
    must('org-3', 'must not have a home telecom', (o) => each(o.telecom).every((telecom) => telecom.use !== 'home')),
  ],
  'Patient.contact': [oneOf('pat-1', 'name', 'telecom', 'address', 'organization')],
  'QuestionnaireResponse.item': [notBoth('qrs-1', 'answer', 'item')],
  'RequestGroup.action': [
    must('rqg-1', 'must have either resource or action', (a) => has(a, 'resource') !== has(a, 'action')),
  ],
  'RiskAssessment.prediction': [
    must('ras-2', 'must not have a probability above 100', (p) => !(Number(p.probabilityDecimal) > 100)),
  ],
  ServiceRequest: [
    must('prr-1', 'must have a code when it has orderDetail', (s) => !has(s, 'orderDetail') || has(s, 'code')),
  ],
};

function sharesCode(observation: Parameters<Rule>[0]): boolean {
  if (!isObject(observation.code)) return false;
  const own = new Set(each(observation.code.coding).map(codingKey));
  return each(observation.component).some(
    (component) => isObject(component.code) && each(component.code.coding).some((coding) => own.has(codingKey(coding))),
  );
}

/** FHIRPath intersects whole codings, so displays and versions count. */
function codingKey(coding: object): string {
  return JSON.stringify(Object.entries(coding).sort(([a], [b]) => (a < b ? -1 : 1)));
}
