import { type Cents, type CodeableConcept, concept, money } from '../fhir.ts';
import type { Rng } from '../rng.ts';
import { c4bb, TERMINOLOGY } from '../systems.ts';

/**
 * The amounts of one claim line. They satisfy the identity of the CARIN guide on each line and in the totals:
 * eligible = submitted - noncovered - discount; liability = deductible + coinsurance + copay + noncovered;
 * paid = eligible - (deductible + coinsurance + copay) (patient-access.md 5.3.6).
 */
export interface Amounts {
  readonly submitted: Cents;
  readonly noncovered: Cents;
  readonly discount: Cents;
  readonly eligible: Cents;
  readonly deductible: Cents;
  readonly coinsurance: Cents;
  readonly copay: Cents;
  readonly paid: Cents;
  readonly liability: Cents;
}

export interface Sharing {
  /** Part of the price that the contract takes off, in percent. */
  readonly discountPercent: number;
  readonly coinsurancePercent: number;
  readonly copay: Cents;
  readonly deductible: Cents;
}

export function splitAmounts(submitted: Cents, sharing: Sharing): Amounts {
  const discount = Math.round((submitted * sharing.discountPercent) / 100);
  const eligible = submitted - discount;
  const deductible = Math.min(sharing.deductible, eligible);
  const copay = Math.min(sharing.copay, eligible - deductible);
  const coinsurance = Math.round(((eligible - deductible - copay) * sharing.coinsurancePercent) / 100);
  const share = deductible + copay + coinsurance;
  return {
    submitted,
    noncovered: 0,
    discount,
    eligible,
    deductible,
    coinsurance,
    copay,
    paid: eligible - share,
    liability: share,
  };
}

/** A line the plan does not cover: the member owes all of it. */
export function notCovered(submitted: Cents): Amounts {
  return {
    submitted,
    noncovered: submitted,
    discount: 0,
    eligible: 0,
    deductible: 0,
    coinsurance: 0,
    copay: 0,
    paid: 0,
    liability: submitted,
  };
}

export function drawSharing(rng: Rng, copay: Cents): Sharing {
  return {
    discountPercent: rng.int(20, 45),
    coinsurancePercent: rng.pick([0, 10, 20]),
    copay,
    deductible: rng.chance(0.3) ? rng.int(10, 120) * 100 : 0,
  };
}

export function sumAmounts(lines: readonly Amounts[]): Amounts {
  const sum = { ...NOTHING };
  for (const line of lines) for (const key of KEYS) sum[key] += line[key];
  return sum;
}

const NOTHING: Record<keyof Amounts, Cents> = {
  submitted: 0,
  noncovered: 0,
  discount: 0,
  eligible: 0,
  deductible: 0,
  coinsurance: 0,
  copay: 0,
  paid: 0,
  liability: 0,
};
const KEYS = Object.keys(NOTHING) as (keyof Amounts)[];

const base = (code: string) => concept(`${TERMINOLOGY}/adjudication`, code);
const c4 = (code: string) => concept(c4bb('C4BBAdjudication'), code);
/** Categories of the value set C4BBAdjudication, in the order of a statement. */
const CATEGORIES: readonly (readonly [CodeableConcept, keyof Amounts])[] = [
  [base('submitted'), 'submitted'],
  [c4('noncovered'), 'noncovered'],
  [c4('discount'), 'discount'],
  [base('eligible'), 'eligible'],
  [base('deductible'), 'deductible'],
  [c4('coinsurance'), 'coinsurance'],
  [base('copay'), 'copay'],
  [c4('memberliability'), 'liability'],
];
const PAID_TO = { provider: c4('paidtoprovider'), patient: c4('paidtopatient') } as const;
export const PAID_BY_PATIENT = c4('paidbypatient');
export const DRUG_COST = c4('drugcost');

/** Left out where they are zero, as on a real statement; the others always stand. */
const ONLY_IF_ANY: ReadonlySet<keyof Amounts> = new Set([
  'noncovered',
  'discount',
  'deductible',
  'coinsurance',
  'copay',
]);

/** Entries `{category, amount}` for `adjudication` and `total`, which have the same shape. */
export function amountEntries(amounts: Amounts, paidTo: keyof typeof PAID_TO) {
  const entries = [];
  for (const [category, key] of CATEGORIES) {
    const cents = amounts[key];
    if (cents !== 0 || !ONLY_IF_ANY.has(key)) entries.push({ category, amount: money(cents) });
  }
  entries.push({ category: PAID_TO[paidTo], amount: money(amounts.paid) });
  return entries;
}
