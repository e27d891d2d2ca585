import { type Day, isoDay } from './calendar.ts';
import { concept, meta, money, type Reference, type Resource } from './fhir.ts';
import { memberIdSystem, type Person } from './person.ts';
import { carin, IDENTIFIER_TYPE, PAYER_TYPOLOGY, TERMINOLOGY, usCore } from './systems.ts';

/** One time span in which the member is covered, by this plan or by another one. */
export interface CoverageSpan {
  readonly resource: Resource;
  readonly start: Day;
  /** Missing: goes on. */
  readonly end: Day | undefined;
  readonly isOurs: boolean;
}

export interface CoverageFacts {
  readonly id: string;
  readonly start: Day;
  readonly end?: Day | undefined;
  readonly product: Product;
  readonly payor: Reference;
  readonly contained?: readonly Resource[];
  readonly isOurs?: boolean;
  readonly memberId?: string;
}

/** A product of the plan. `line` is the typology code by which metrics tell the lines of business. */
export interface Product {
  readonly group: string;
  readonly plan: string;
  readonly name: string;
  readonly line: string;
  readonly visitCopayCents: number;
  readonly deductibleCents: number;
}

export const PRODUCTS: readonly Product[] = [
  {
    group: 'GRP-1001',
    plan: 'PPO-S',
    name: 'Silver Choice',
    line: '512',
    visitCopayCents: 3000,
    deductibleCents: 150000,
  },
  { group: 'GRP-1002', plan: 'HMO-G', name: 'Gold Local', line: '511', visitCopayCents: 1500, deductibleCents: 50000 },
  { group: 'GRP-2001', plan: 'MA-1', name: 'Senior Advantage', line: '111', visitCopayCents: 1000, deductibleCents: 0 },
];

const COVERAGE = [...carin('Coverage'), usCore('coverage')];

/** C4BB-Coverage and US Core Coverage. It carries the copay and the deductible as amounts. */
export function coverage(
  facts: CoverageFacts,
  person: Person,
  patientReference: Reference,
  subscriber: Reference,
  idBase: string,
  asOf: Day,
): CoverageSpan {
  const { product, start, end } = facts;
  const isOver = end !== undefined && end < asOf;
  const resource: Resource = {
    resourceType: 'Coverage',
    id: facts.id,
    meta: meta(COVERAGE, isOver ? end : start, asOf),
    ...(facts.contained ? { contained: facts.contained } : {}),
    identifier: [
      {
        type: concept(IDENTIFIER_TYPE, 'MB'),
        system: facts.isOurs === false ? 'https://quarry-hill.example.org/ids/member-number' : memberIdSystem(idBase),
        value: facts.memberId ?? person.memberId,
      },
    ],
    status: isOver ? 'cancelled' : 'active',
    type: concept(PAYER_TYPOLOGY, product.line),
    subscriber,
    subscriberId: facts.memberId ?? person.subscriberId,
    beneficiary: patientReference,
    dependent: person.dependent,
    relationship: concept(`${TERMINOLOGY}/subscriber-relationship`, person.relationship),
    period: end === undefined ? { start: isoDay(start) } : { start: isoDay(start), end: isoDay(end) },
    payor: [facts.payor],
    class: [
      { type: concept(`${TERMINOLOGY}/coverage-class`, 'group'), value: product.group, name: `${product.name} group` },
      { type: concept(`${TERMINOLOGY}/coverage-class`, 'plan'), value: product.plan, name: product.name },
    ],
    costToBeneficiary: [
      { type: concept(`${TERMINOLOGY}/coverage-copay-type`, 'gpvisit'), valueMoney: money(product.visitCopayCents) },
      { type: concept(`${TERMINOLOGY}/coverage-copay-type`, 'deductible'), valueMoney: money(product.deductibleCents) },
    ],
  };
  return { resource, start, end, isOurs: facts.isOurs !== false };
}

/** The plan's coverage on a day of service; the latest one when the day lies in none. */
export function coverageOn(spans: readonly CoverageSpan[], day: Day): CoverageSpan {
  const ours = spans.filter((span) => span.isOurs);
  return ours.find((span) => day >= span.start && (span.end === undefined || day <= span.end)) ?? ours.at(-1)!;
}
