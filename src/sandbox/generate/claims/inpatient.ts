import { type Day, isoDay } from '../calendar.ts';
import type { MemberContext } from '../context.ts';
import { type CodeableConcept, concept, type Resource } from '../fhir.ts';
import { c4bb, carin, HCPCS, ICD10PCS, MS_DRG, NUBC } from '../systems.ts';
import { drawSharing, splitAmounts, sumAmounts } from './amounts.ts';
import {
  ADMITTING,
  type ClaimFacts,
  claimDays,
  claimHead,
  claimTail,
  diagnosisEntry,
  diagnosisType,
  info,
  insurance,
  numbered,
  PRINCIPAL,
} from './claim.ts';
import {
  type AmountsAt,
  accountInfo,
  type InstitutionalLine,
  institutionalAdjudication,
  institutionalCareTeam,
  institutionalItems,
  NOT_APPLICABLE,
  stayInfo,
} from './institutional.ts';

export interface StayFacts extends ClaimFacts {
  readonly drg: string;
  /** ICD-10-PCS codes, the principal one first. */
  readonly procedures: readonly string[];
  readonly amountsAt: AmountsAt;
}

const PROFILE = carin('ExplanationOfBenefit-Inpatient-Institutional');
const POA_CMS = 'https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding';

/** A hospital stay. Source: CARIN BB, C4BB-ExplanationOfBenefit-Inpatient-Institutional 2.0.0 and 2.1.0. */
export function inpatientClaim(context: MemberContext, facts: StayFacts): Resource {
  const id = context.nextId('eob');
  const days = claimDays(context, facts.end);
  const lines = drawLines(context, facts);
  const amounts = lines.map((line) => line.amounts);
  return {
    ...claimHead(context, facts, days, id, PROFILE, 'institutional', 'inpatient'),
    ...institutionalCareTeam(facts, facts.procedures.length > 0 ? ['attending', 'operating'] : ['attending']),
    supportingInfo: numbered([
      { ...info('admissionperiod'), timingPeriod: { start: isoDay(facts.start), end: isoDay(facts.end) } },
      { ...info('clmrecvddate'), timingDate: isoDay(days.received) },
      ...stayInfo({ typeOfBill: '0111', admissionType: '1', origin: '1', dischargeStatus: '01' }),
      { ...info('drg'), code: { coding: [{ system: MS_DRG, version: '41', code: facts.drg }] } },
      ...accountInfo(context.person.memberId, id),
    ]),
    diagnosis: facts.diagnoses.flatMap((diagnosis, index) => stayDiagnosis(diagnosis, index)),
    ...(facts.procedures.length > 0
      ? { procedure: facts.procedures.map((code, index) => procedure(code, index, facts.start + 1)) }
      : {}),
    insurance: insurance(context, facts),
    item: institutionalItems(facts, lines, facts.amountsAt),
    adjudication: institutionalAdjudication(facts, sumAmounts(amounts), facts.amountsAt),
    ...claimTail(facts, days, amounts),
  } as Resource;
}

/**
 * The principal diagnosis is the admitting one too. The code system of the present-on-admission letter changed
 * between 2.0.0 and 2.1.0, both bindings required: two codings satisfy both (patient-access.md 5.3.6).
 */
function stayDiagnosis(diagnosis: CodeableConcept, index: number) {
  const onAdmission = {
    coding: [
      { system: POA_CMS, code: 'Y' },
      { system: `${NUBC}/PresentOnAdmissionIndicator`, code: 'Y' },
    ],
  };
  if (index > 0) return [{ ...diagnosisEntry(index + 2, diagnosis, diagnosisType('other')), onAdmission }];
  return [{ ...diagnosisEntry(1, diagnosis, PRINCIPAL), onAdmission }, diagnosisEntry(2, diagnosis, ADMITTING)];
}

const procedure = (code: string, index: number, day: Day) => ({
  sequence: index + 1,
  type: [concept(c4bb('C4BBClaimProcedureType'), index === 0 ? 'principal' : 'other')],
  date: isoDay(day),
  procedureCodeableConcept: concept(ICD10PCS, code),
});

function drawLines(context: MemberContext, facts: StayFacts): InstitutionalLine[] {
  const { rng } = context;
  const nights = Math.max(1, facts.end - facts.start);
  const line = (revenue: string, units: number, priceCents: number, service = NOT_APPLICABLE): InstitutionalLine => ({
    revenue,
    service,
    units,
    day: facts.start,
    amounts: splitAmounts(units * priceCents, drawSharing(rng, 0)),
  });
  return [
    line('0120', nights, rng.int(160000, 290000)),
    line('0250', nights, rng.int(9000, 42000)),
    line('0300', rng.int(2, 9), rng.int(4000, 15000)),
    ...(facts.procedures.length > 0 ? [line('0360', 1, rng.int(450000, 1900000))] : []),
    { ...line('0636', rng.int(1, 6), rng.int(3000, 20000), concept(HCPCS, 'J2270')), modifier: concept(HCPCS, 'KX') },
  ];
}
