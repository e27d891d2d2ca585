import { type Day, isoDay } from '../calendar.ts';
import { type CodeableConcept, concept } from '../fhir.ts';
import { CARC, c4bb, NUBC, TERMINOLOGY } from '../systems.ts';
import { type Amounts, amountEntries } from './amounts.ts';
import { type ClaimFacts, info, reasonEntry, statusEntry, unitsEntry } from './claim.ts';

/** One line of a hospital's bill. Revenue codes are bare values; their text belongs to its owner. */
export interface InstitutionalLine {
  readonly revenue: string;
  readonly service: CodeableConcept;
  readonly units: number;
  readonly day: Day;
  readonly amounts: Amounts;
  readonly modifier?: CodeableConcept;
}

/**
 * Where the amounts stand: on every line or once in the header, never both and never neither (an error-level
 * rule of the guide). With header amounts the lines carry no adjudication at all.
 */
export type AmountsAt = 'item' | 'header';

export const NOT_APPLICABLE = concept(`${TERMINOLOGY}/data-absent-reason`, 'not-applicable');

export function institutionalItems(facts: ClaimFacts, lines: readonly InstitutionalLine[], amountsAt: AmountsAt) {
  const isDenied = facts.status !== undefined && facts.status !== 'paid';
  return lines.map((line, index) => ({
    sequence: index + 1,
    revenue: concept(`${NUBC}/RevenueCodes`, line.revenue),
    productOrService: line.service,
    ...(line.modifier ? { modifier: [line.modifier] } : {}),
    servicedDate: isoDay(line.day),
    quantity: { value: line.units },
    ...(facts.encounter ? { encounter: [facts.encounter] } : {}),
    ...(isDenied ? { noteNumber: [1] } : {}),
    ...(amountsAt === 'item'
      ? {
          adjudication: [
            ...amountEntries(line.amounts, facts.paidTo ?? 'provider'),
            unitsEntry(line.units),
            reasonEntry('adjustmentreason', CARC, line.amounts.noncovered > 0 ? '96' : '45'),
          ],
        }
      : {}),
  }));
}

export function institutionalAdjudication(facts: ClaimFacts, total: Amounts, amountsAt: AmountsAt) {
  const network = facts.network ?? 'innetwork';
  return [
    statusEntry('billingnetworkstatus', network),
    statusEntry('benefitpaymentstatus', network),
    ...(amountsAt === 'header'
      ? [...amountEntries(total, facts.paidTo ?? 'provider'), reasonEntry('adjustmentreason', CARC, '45')]
      : []),
  ];
}

/** Practitioner roles only: role `rendering` would demand an Organization in 2.0 and 2.1. */
export function institutionalCareTeam(
  facts: ClaimFacts,
  roles: readonly ('attending' | 'operating' | 'referring' | 'otheroperating')[],
) {
  const { clinician } = facts.parties;
  if (!clinician) return {};
  return {
    careTeam: roles.map((role, index) => ({
      sequence: index + 1,
      provider: clinician,
      role: concept(c4bb('C4BBClaimCareTeamRole'), role),
    })),
  };
}

/** supportingInfo entries of both institutional types. Code values are bare facts. */
export function stayInfo(codes: {
  typeOfBill: string;
  admissionType: string;
  origin: string;
  dischargeStatus: string;
}) {
  return [
    { ...info('typeofbill'), code: concept(`${NUBC}/TypeOfBill`, codes.typeOfBill) },
    {
      ...info('pointoforigin'),
      code: concept(`${NUBC}/${codes.admissionType === '4' ? 'PointOfOriginNewborn' : 'PointOfOrigin'}`, codes.origin),
    },
    { ...info('admtype'), code: concept(`${NUBC}/PriorityTypeOfAdmitOrVisit`, codes.admissionType) },
    { ...info('discharge-status'), code: concept(`${NUBC}/PatDischargeStatus`, codes.dischargeStatus) },
  ];
}

export const accountInfo = (memberId: string, claimId: string) => [
  { ...info('medicalrecordnumber'), valueString: `MR-${memberId}` },
  { ...info('patientaccountnumber'), valueString: `ACC-${claimId}` },
];
