import { isoDay } from '../calendar.ts';
import type { MemberContext } from '../context.ts';
import { concept, type Resource } from '../fhir.ts';
import { CARC, CDT, c4bb, carin, HCPCS, NUCC, PLACE_OF_SERVICE, TERMINOLOGY } from '../systems.ts';
import { type Amounts, amountEntries, splitAmounts } from './amounts.ts';
import {
  type ClaimFacts,
  claimDays,
  claimHead,
  claimTail,
  diagnosisEntry,
  info,
  insurance,
  numbered,
  PRINCIPAL,
  reasonEntry,
  statusEntry,
  unitsEntry,
} from './claim.ts';

export interface DentalFacts extends ClaimFacts {
  /** A check with cleaning, or a filling of a tooth beside a missing one. */
  readonly visit: 'check' | 'filling';
}

const PROFILE = carin('ExplanationOfBenefit-Oral');
const TOOTH = `${TERMINOLOGY}/ADAUniversalToothDesignationSystem`;

/** A dentist's bill. Source: C4BB-ExplanationOfBenefit-Oral 2.0.0 and 2.1.0. CDT codes are bare values. */
export function oralClaim(context: MemberContext, facts: DentalFacts): Resource {
  const id = context.nextId('eob');
  const days = claimDays(context, facts.end);
  const network = facts.network ?? 'innetwork';
  const isFilling = facts.visit === 'filling';
  const { clinician, clinicianTaxonomy, facility } = facts.parties;
  const shared = [
    { ...info('clmrecvddate'), timingDate: isoDay(days.received) },
    ...(facility ? [{ ...info('servicefacility'), valueReference: facility }] : []),
    { ...info('medicalrecordnumber'), valueString: `MR-${context.person.memberId}` },
    { ...info('patientaccountnumber'), valueString: `ACC-${id}` },
  ];
  const teeth = isFilling
    ? [
        { ...info('additionalbodysite'), code: concept(TOOTH, '4') },
        { ...info('missingtoothnumber'), code: concept(TOOTH, '1') },
        { ...info('orthodontics'), timingDate: isoDay(facts.start), valueQuantity: { value: 0 } },
        { ...info('prosthesis'), timingDate: isoDay(facts.start), valueBoolean: false },
      ]
    : [];
  const prices: readonly (readonly [code: string, cents: number])[] = isFilling
    ? [
        ['D2392', 21500],
        ['D0220', 3200],
      ]
    : [
        ['D0120', 6800],
        ['D1110', 11200],
      ];
  const amounts = prices.map(([, cents]) =>
    splitAmounts(cents, {
      discountPercent: 20,
      coinsurancePercent: isFilling ? 20 : 0,
      copay: 0,
      deductible: isFilling ? 2500 : 0,
    }),
  );
  return {
    ...claimHead(context, facts, days, id, PROFILE, 'oral'),
    ...(clinician
      ? {
          careTeam: [
            {
              sequence: 1,
              provider: clinician,
              role: concept(c4bb('C4BBClaimCareTeamRole'), 'rendering'),
              qualification: concept(NUCC, clinicianTaxonomy!),
            },
          ],
        }
      : {}),
    supportingInfo: numbered([...shared, ...teeth]),
    diagnosis: facts.diagnoses.map((diagnosis, index) => diagnosisEntry(index + 1, diagnosis, PRINCIPAL)),
    insurance: insurance(context, facts),
    item: prices.map(([code], index) => ({
      sequence: index + 1,
      ...(isFilling && index === 0 ? { informationSequence: [shared.length + 1] } : {}),
      productOrService: concept(CDT, code),
      ...(isFilling && index === 0 ? { modifier: [concept(HCPCS, 'GY')] } : {}),
      servicedDate: isoDay(facts.start),
      locationCodeableConcept: concept(PLACE_OF_SERVICE, '11'),
      quantity: { value: 1 },
      ...(isFilling && index === 0 ? { bodySite: concept(TOOTH, '3'), subSite: [surface('O')] } : {}),
      ...(facts.encounter ? { encounter: [facts.encounter] } : {}),
      ...(facts.status !== undefined && facts.status !== 'paid' ? { noteNumber: [1] } : {}),
      adjudication: lineAdjudication(amounts[index]!, network, facts.paidTo ?? 'provider'),
    })),
    adjudication: [
      statusEntry('billingnetworkstatus', network),
      statusEntry('renderingnetworkstatus', network),
      statusEntry('benefitpaymentstatus', network),
    ],
    ...claimTail(facts, days, amounts),
  } as Resource;
}

const lineAdjudication = (amounts: Amounts, network: string, paidTo: 'provider' | 'patient') => [
  statusEntry('benefitpaymentstatus', network),
  ...amountEntries(amounts, paidTo),
  unitsEntry(1),
  reasonEntry('adjustmentreason', CARC, '45'),
];

/** The required code system of tooth surfaces changed between 2.0.0 and 2.1.0: two codings satisfy both. */
const surface = (code: string) => ({
  coding: [
    { system: `${TERMINOLOGY}/ADAToothSurfaceCodes`, code },
    { system: c4bb('C4BBSurfaceCodes'), code },
  ],
});
