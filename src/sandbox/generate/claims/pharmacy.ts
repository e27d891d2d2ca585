import { isoDay } from '../calendar.ts';
import type { Drug } from '../catalogue/drugs.ts';
import type { MemberContext } from '../context.ts';
import { concept, money, type Reference, type Resource } from '../fhir.ts';
import { c4bb, carin, carin200, NDC, TERMINOLOGY } from '../systems.ts';
import { amountEntries, DRUG_COST, notCovered, PAID_BY_PATIENT, splitAmounts } from './amounts.ts';
import {
  type ClaimFacts,
  claimDays,
  claimHead,
  claimTail,
  info,
  insurance,
  numbered,
  reasonEntry,
  statusEntry,
} from './claim.ts';

export interface PharmacyFacts extends ClaimFacts {
  readonly drug: Drug;
  /** 0 is the first fill. */
  readonly refill: number;
  /** A mixture made by the pharmacist: the line says `compound`, its details name the ingredients. */
  readonly isCompound?: boolean;
  /**
   * Who wrote the prescription. 2.1.0 demands an Organization for the role, 2.2.0 a Practitioner: the contradiction
   * is avoided by claiming only 2.0.0 where it is given (patient-access.md 5.3.6).
   */
  readonly prescriber?: Reference;
}

const ID = 'ExplanationOfBenefit-Pharmacy';
const BOTH = carin(ID);
const ONLY_200 = carin200(ID);
const NCPDP = `${TERMINOLOGY}/NCPDP`;

/** One fill of a drug. Source: C4BB-ExplanationOfBenefit-Pharmacy 2.0.0 and 2.1.0. */
export function pharmacyClaim(context: MemberContext, facts: PharmacyFacts): Resource {
  const id = context.nextId('eob');
  const days = claimDays(context, facts.end);
  const { drug } = facts;
  const isDenied = facts.status === 'denied';
  const amounts = isDenied
    ? notCovered(drug.priceCents)
    : splitAmounts(drug.priceCents, { discountPercent: 15, coinsurancePercent: 0, copay: 1000, deductible: 0 });
  return {
    ...claimHead(context, facts, days, id, facts.prescriber ? ONLY_200 : BOTH, 'pharmacy'),
    ...(facts.prescriber
      ? {
          careTeam: [
            { sequence: 1, provider: facts.prescriber, role: concept(c4bb('C4BBClaimCareTeamRole'), 'prescribing') },
          ],
        }
      : {}),
    supportingInfo: numbered([
      { ...info('clmrecvddate'), timingDate: isoDay(days.received) },
      { ...info('dayssupply'), valueQuantity: { value: drug.daysSupply } },
      { ...info('dawcode'), code: concept(`${NCPDP}DispensedAsWrittenOrProductSelectionCode`, '0') },
      { ...info('refillnum'), valueQuantity: { value: facts.refill } },
      { ...info('refillsauthorized'), valueQuantity: { value: drug.refills } },
      { ...info('brandgenericindicator'), code: concept(`${NCPDP}BrandGenericIndicator`, '2') },
      { ...info('rxorigincode'), code: concept(`${NCPDP}PrescriptionOriginCode`, '3') },
      { ...info('compoundcode'), code: concept(`${NCPDP}CompoundCode`, facts.isCompound ? '2' : '1') },
    ]),
    insurance: insurance(context, facts),
    item: [
      {
        sequence: 1,
        productOrService: facts.isCompound
          ? concept(c4bb('C4BBCompoundLiteral'), 'compound')
          : concept(NDC, drug.ndc, drug.text),
        servicedDate: isoDay(facts.start),
        quantity: {
          value: drug.amount,
          unit: drug.amountUnit,
          system: 'http://unitsofmeasure.org',
          code: drug.amountUnit,
        },
        ...(isDenied ? { noteNumber: [1] } : {}),
        adjudication: [
          ...amountEntries(amounts, facts.paidTo ?? 'provider'),
          { category: DRUG_COST, amount: money(drug.priceCents) },
          { category: PAID_BY_PATIENT, amount: money(amounts.liability) },
          ...(isDenied ? [reasonEntry('rejectreason', `${NCPDP}RejectCode`, '70')] : []),
        ],
        ...(facts.isCompound ? { detail: ingredients(drug) } : {}),
      },
    ],
    adjudication: [
      statusEntry('billingnetworkstatus', facts.network ?? 'innetwork'),
      statusEntry('benefitpaymentstatus', facts.network ?? 'innetwork'),
    ],
    ...claimTail(facts, days, [amounts]),
  } as Resource;
}

const ingredients = (drug: Drug) => [
  { sequence: 1, productOrService: concept(NDC, drug.ndc, drug.text), quantity: { value: drug.amount } },
  { sequence: 2, productOrService: concept(NDC, '38779019401', 'Cream base'), quantity: { value: 30 } },
];
