import { type Day, isoDay, isoTime } from '../calendar.ts';
import type { MemberContext } from '../context.ts';
import { coverageOn } from '../coverage.ts';
import { type CodeableConcept, concept, meta, type Reference } from '../fhir.ts';
import type { Parties } from '../parties.ts';
import { c4bb, IDENTIFIER_TYPE, TERMINOLOGY } from '../systems.ts';
import { type Amounts, amountEntries, sumAmounts } from './amounts.ts';

/** What every claim type is told. */
export interface ClaimFacts {
  readonly start: Day;
  readonly end: Day;
  readonly parties: Parties;
  /** The Encounter that the lines belong to. */
  readonly encounter?: Reference;
  readonly diagnoses: readonly CodeableConcept[];
  readonly status?: 'paid' | 'denied' | 'partiallypaid';
  readonly network?: 'innetwork' | 'outofnetwork';
  readonly paidTo?: 'provider' | 'patient';
  /** A replacement names the number of the claim it replaces; the replaced one names its successor. */
  readonly related?: { readonly relationship: 'prior' | 'replacedby'; readonly claimNumber: string };
  readonly cancelled?: boolean;
  /** The coverage is named by the member's number only, as some feeds do. */
  readonly coverageByIdentifier?: boolean;
}

/** Days between service and decision, and when the money went out. Never after the record's as-of day. */
export interface ClaimDays {
  readonly received: Day;
  readonly created: Day;
  readonly paid: Day;
}

export function claimDays(context: MemberContext, end: Day): ClaimDays {
  const received = end + context.rng.int(2, 8);
  const created = received + context.rng.int(3, 14);
  return { received, created, paid: Math.min(created + 2, context.asOf) };
}

const STATUS = c4bb('C4BBPayerAdjudicationStatus');
const DISCRIMINATOR = c4bb('C4BBAdjudicationDiscriminator');
const UNIQUE_CLAIM = concept(c4bb('C4BBIdentifierType'), 'uc');
const RELATED = {
  prior: concept(`${TERMINOLOGY}/ex-relatedclaimrelationship`, 'prior'),
  replacedby: concept(c4bb('C4BBRelatedClaimRelationshipCodes'), 'replacedby'),
} as const;

export const claimNumber = (eobId: string): string => `C-${eobId}`;

/** `{category, reason}`: how the plan looked at the providers and the payment. */
export const statusEntry = (
  discriminator: 'billingnetworkstatus' | 'renderingnetworkstatus' | 'benefitpaymentstatus',
  reason: string,
) => ({ category: concept(DISCRIMINATOR, discriminator), reason: concept(STATUS, reason) });

export const reasonEntry = (discriminator: 'adjustmentreason' | 'rejectreason', system: string, code: string) => ({
  category: concept(DISCRIMINATOR, discriminator),
  reason: concept(system, code),
});

export const unitsEntry = (units: number) => ({ category: concept(DISCRIMINATOR, 'allowedunits'), value: units });

/** What the five types share, before and after the parts of their own; see patient-access.md 5.3.1. */
export function claimHead(
  context: MemberContext,
  facts: ClaimFacts,
  days: ClaimDays,
  id: string,
  profile: readonly string[],
  type: string,
  subType?: string,
) {
  const { parties } = facts;
  return {
    resourceType: 'ExplanationOfBenefit',
    id,
    meta: meta(profile, days.paid, context.asOf),
    ...(parties.contained ? { contained: parties.contained } : {}),
    identifier: [{ type: UNIQUE_CLAIM, system: `${context.plan.facts.idBase}/claim`, value: claimNumber(id) }],
    status: facts.cancelled ? 'cancelled' : 'active',
    type: concept(`${TERMINOLOGY}/claim-type`, type),
    ...(subType ? { subType: concept(c4bb('C4BBInstitutionalClaimSubType'), subType) } : {}),
    use: 'claim',
    patient: context.patient,
    billablePeriod: { start: isoDay(facts.start), end: isoDay(facts.end) },
    created: isoTime(days.created, 600),
    insurer: parties.insurer,
    provider: parties.provider,
    ...(facts.related
      ? {
          related: [
            {
              relationship: RELATED[facts.related.relationship],
              reference: { system: `${context.plan.facts.idBase}/claim`, value: facts.related.claimNumber },
            },
          ],
        }
      : {}),
    payee:
      facts.paidTo === 'patient'
        ? { type: concept(c4bb('C4BBPayeeType'), 'beneficiary'), party: context.patient }
        : { type: concept(`${TERMINOLOGY}/payeetype`, 'provider'), party: parties.provider },
    outcome: 'complete',
  };
}

/** `insurance`, `total`, `payment`, `processNote`. */
export function claimTail(facts: ClaimFacts, days: ClaimDays, amounts: readonly Amounts[]) {
  const status = facts.status ?? 'paid';
  return {
    total: amountEntries(sumAmounts(amounts), facts.paidTo ?? 'provider'),
    payment: { type: concept(STATUS, status), date: isoDay(days.paid) },
    ...(status === 'paid'
      ? {}
      : { processNote: [{ number: 1, text: 'Ask your plan how to have this decision looked at again.' }] }),
  };
}

/** The focal coverage on the day of service, and a coverage with another payer beside it (never focal, with display). */
export function insurance(context: MemberContext, facts: ClaimFacts) {
  const focal = coverageOn(context.coverages, facts.start).resource;
  const other = context.coverages.find((span) => !span.isOurs && span.start <= facts.start);
  const coverage = facts.coverageByIdentifier
    ? {
        identifier: {
          type: concept(IDENTIFIER_TYPE, 'MB'),
          system: `${context.plan.facts.idBase}/member-number`,
          value: context.person.memberId,
        },
      }
    : { reference: `Coverage/${focal.id}` };
  return [
    { focal: true, coverage },
    ...(other
      ? [{ focal: false, coverage: { reference: `Coverage/${other.resource.id}`, display: 'Other coverage' } }]
      : []),
  ];
}

/** supportingInfo with sequence numbers from 1. */
export function numbered<T extends object>(entries: readonly T[]): (T & { sequence: number })[] {
  return entries.map((entry, index) => ({ sequence: index + 1, ...entry }));
}

export const info = (code: string): { category: CodeableConcept } => ({
  category: concept(c4bb('C4BBSupportingInfoType'), code),
});

export const diagnosisEntry = (sequence: number, diagnosis: CodeableConcept, type: CodeableConcept) => ({
  sequence,
  diagnosisCodeableConcept: diagnosis,
  type: [type],
});

export const PRINCIPAL = concept(`${TERMINOLOGY}/ex-diagnosistype`, 'principal');
export const ADMITTING = concept(`${TERMINOLOGY}/ex-diagnosistype`, 'admitting');
export const diagnosisType = (code: 'other' | 'secondary' | 'patientreasonforvisit' | 'externalcauseofinjury') =>
  concept(c4bb('C4BBClaimDiagnosisType'), code);
