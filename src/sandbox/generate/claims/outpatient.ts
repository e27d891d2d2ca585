import { isoDay } from '../calendar.ts';
import type { MemberContext } from '../context.ts';
import { concept, type Resource } from '../fhir.ts';
import { CPT, carin, HCPCS } from '../systems.ts';
import { drawSharing, notCovered, splitAmounts, sumAmounts } from './amounts.ts';
import {
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

export interface HospitalVisitFacts extends ClaimFacts {
  readonly isEmergency: boolean;
  readonly amountsAt: AmountsAt;
}

const PROFILE = carin('ExplanationOfBenefit-Outpatient-Institutional');

/** A visit to a hospital without a night. Source: C4BB-ExplanationOfBenefit-Outpatient-Institutional 2.0.0 and 2.1.0. */
export function outpatientClaim(context: MemberContext, facts: HospitalVisitFacts): Resource {
  const id = context.nextId('eob');
  const days = claimDays(context, facts.end);
  const lines = drawLines(context, facts);
  const amounts = lines.map((line) => line.amounts);
  const [first, ...others] = facts.diagnoses;
  return {
    ...claimHead(context, facts, days, id, PROFILE, 'institutional', 'outpatient'),
    ...institutionalCareTeam(facts, facts.isEmergency ? ['attending'] : ['attending', 'referring']),
    supportingInfo: numbered([
      { ...info('clmrecvddate'), timingDate: isoDay(days.received) },
      ...stayInfo({
        typeOfBill: '0131',
        admissionType: facts.isEmergency ? '1' : '3',
        origin: '1',
        dischargeStatus: '01',
      }),
      ...accountInfo(context.person.memberId, id),
    ]),
    diagnosis: [
      diagnosisEntry(1, first!, PRINCIPAL),
      diagnosisEntry(2, first!, diagnosisType('patientreasonforvisit')),
      ...others.map((diagnosis, index) => diagnosisEntry(index + 3, diagnosis, diagnosisType('other'))),
    ],
    insurance: insurance(context, facts),
    item: institutionalItems(facts, lines, facts.amountsAt),
    adjudication: institutionalAdjudication(facts, sumAmounts(amounts), facts.amountsAt),
    ...claimTail(facts, days, amounts),
  } as Resource;
}

function drawLines(context: MemberContext, facts: HospitalVisitFacts): InstitutionalLine[] {
  const { rng } = context;
  const split = (cents: number) =>
    facts.status === 'denied' ? notCovered(cents) : splitAmounts(cents, drawSharing(rng, 0));
  const day = facts.start;
  const visit: InstitutionalLine = facts.isEmergency
    ? {
        revenue: '0450',
        service: concept(CPT, '99284'),
        modifier: concept(CPT, '25'),
        units: 1,
        day,
        amounts: split(rng.int(60000, 160000)),
      }
    : { revenue: '0510', service: concept(HCPCS, 'G0463'), units: 1, day, amounts: split(rng.int(14000, 32000)) };
  return [
    visit,
    { revenue: '0300', service: concept(CPT, '85025'), units: 1, day, amounts: split(rng.int(2500, 9000)) },
    { revenue: '0320', service: concept(CPT, '71046'), units: 1, day, amounts: split(rng.int(9000, 38000)) },
    { revenue: '0250', service: NOT_APPLICABLE, units: rng.int(1, 4), day, amounts: split(rng.int(1500, 9000)) },
  ];
}
