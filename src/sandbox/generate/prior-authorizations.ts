import { type Day, isoDay, isoTime } from './calendar.ts';
import type { MemberContext } from './context.ts';
import { coverageOn } from './coverage.ts';
import { type CodeableConcept, concept, meta, money, type Reference, type Resource, reference } from './fhir.ts';
import type { Parties } from './parties.ts';
import { CARC, HCPCS, PAS, PDEX, pas, pdex, TERMINOLOGY } from './systems.ts';

/**
 * What became of a request: certified and in effect; certified long ago; not certified; a drug; not certified and
 * later certified after all; still open.
 */
export type AuthorizationStory = 'active' | 'expired' | 'denied' | 'drug' | 'overturned' | 'pended';

export const AUTHORIZATION_STORIES: readonly AuthorizationStory[] = [
  'active',
  'expired',
  'denied',
  'drug',
  'overturned',
  'pended',
];

export interface AuthorizationFacts {
  readonly story: AuthorizationStory;
  readonly parties: Parties;
  readonly facility: Reference;
  readonly diagnosis: CodeableConcept;
  /** The letter or form that the provider sent along. */
  readonly document?: Reference;
}

/** HCPCS Level II codes (public): what was asked for, how many units, at which price. */
const REQUESTS: Readonly<
  Record<AuthorizationStory, readonly [code: string, text: string, units: number, cents: number, type: string]>
> = {
  active: ['E0601', 'Breathing device for the night', 1, 89000, 'professional'],
  expired: ['K0001', 'Wheelchair', 1, 64000, 'professional'],
  denied: ['E0483', 'Vest that loosens phlegm', 1, 1250000, 'professional'],
  drug: ['J0897', 'Injection against thin bones', 2, 142000, 'pharmacy'],
  overturned: ['L1833', 'Knee brace', 1, 58000, 'professional'],
  pended: ['G0151', 'Physical therapy at home', 12, 168000, 'professional'],
};

/** Days before the as-of day: request, decisions in order (X12 306: A1 certified, A3 not certified, A4 pended), end. */
const COURSE: Readonly<
  Record<
    AuthorizationStory,
    { asked: number; decisions: readonly (readonly [action: string, ago: number])[]; ends: number }
  >
> = {
  active: { asked: 70, decisions: [['A1', 63]], ends: -120 },
  expired: { asked: 720, decisions: [['A1', 713]], ends: 530 },
  denied: { asked: 120, decisions: [['A3', 111]], ends: 30 },
  drug: { asked: 90, decisions: [['A1', 88]], ends: -90 },
  overturned: {
    asked: 200,
    decisions: [
      ['A3', 190],
      ['A1', 130],
    ],
    ends: -50,
  },
  pended: { asked: 6, decisions: [['A4', 4]], ends: -84 },
};

const PROFILE = [pdex('pdex-priorauthorization')];
const DISCRIMINATOR = `${PDEX}/CodeSystem/PDexAdjudicationDiscriminator`;

/** A prior authorization as PDex wants it (payer-to-payer.md 5.4), with amounts, which redaction masks. */
export function priorAuthorization(context: MemberContext, facts: AuthorizationFacts): Resource {
  const { story } = facts;
  const [code, text, units, cents, type] = REQUESTS[story];
  const course = COURSE[story];
  const day = (ago: number): Day => context.asOf - ago;
  const id = context.nextId('pa');
  const number = `AUTH-${id}`;
  const changed = day(course.decisions.at(-1)![1]);
  const period = { start: isoDay(changed), end: isoDay(day(course.ends)) };
  const isCertified = course.decisions.at(-1)![0] === 'A1';
  const used = story === 'expired' ? units : 0;
  return {
    resourceType: 'ExplanationOfBenefit',
    id,
    meta: meta(PROFILE, changed, context.asOf),
    extension: [
      {
        url: pdex('extension-levelOfServiceCode'),
        valueCodeableConcept: concept('https://codesystem.x12.org/005010/1338', 'E'),
      },
    ],
    identifier: [{ system: `${context.plan.facts.idBase}/authorization`, value: number }],
    status: 'active',
    type: concept(`${TERMINOLOGY}/claim-type`, type),
    use: 'preauthorization',
    patient: context.patient,
    billablePeriod: period,
    created: isoTime(day(course.asked), 540),
    ...(facts.parties.clinician ? { enterer: facts.parties.clinician } : {}),
    insurer: facts.parties.insurer,
    provider: facts.parties.provider,
    priority: concept(`${TERMINOLOGY}/processpriority`, 'normal'),
    facility: facts.facility,
    outcome: story === 'pended' ? 'queued' : 'complete',
    ...(isCertified ? { preAuthRef: [number], preAuthRefPeriod: [period] } : {}),
    ...(facts.document
      ? {
          supportingInfo: [
            {
              sequence: 1,
              category: concept(`${PAS}/CodeSystem/PASSupportingInfoType`, 'additionalInformation'),
              valueReference: facts.document,
            },
          ],
        }
      : {}),
    ...(facts.parties.clinician ? { careTeam: [{ sequence: 1, provider: facts.parties.clinician }] } : {}),
    diagnosis: [
      {
        sequence: 1,
        diagnosisCodeableConcept: facts.diagnosis,
        type: [concept(`${TERMINOLOGY}/ex-diagnosistype`, 'principal')],
      },
    ],
    insurance: [{ focal: true, coverage: reference(coverageOn(context.coverages, day(course.asked)).resource) }],
    item: [
      {
        extension: itemExtensions(number, isCertified ? period : undefined, code, units, cents),
        sequence: 1,
        category: concept('https://x12.org/codes/service-type-codes', story === 'pended' ? 'PT' : '12'),
        productOrService: concept(HCPCS, code, text),
        quantity: { value: units },
        adjudication: [
          ...course.decisions.map(([action, ago]) => decision(action, day(ago), number, cents)),
          ...(isCertified ? [unitsEntry('allowedunits', units), unitsEntry('consumedunits', used)] : []),
        ],
      },
    ],
    ...(story === 'denied' ? { adjudication: [denial()] } : {}),
    total: [
      total('submitted', cents, units),
      ...(isCertified
        ? [total('eligible', cents, units), total('utilized', Math.round((cents * used) / units), used)]
        : []),
    ],
  };
}

function itemExtensions(number: string, period: object | undefined, code: string, units: number, cents: number) {
  const start = period as { start: string } | undefined;
  return [
    {
      url: pas('extension-itemTraceNumber'),
      valueIdentifier: { system: 'https://trace.example.org/ids', value: `T-${number}` },
    },
    { url: pas('extension-administrationReferenceNumber'), valueString: `REF-${number}` },
    ...(start
      ? [
          { url: pas('extension-itemPreAuthIssueDate'), valueDate: start.start },
          { url: pas('extension-itemPreAuthPeriod'), valuePeriod: period },
          {
            url: pas('extension-itemAuthorizedDetail'),
            extension: [
              { url: 'productOrServiceCode', valueCodeableConcept: concept(HCPCS, code) },
              { url: 'unitPrice', valueMoney: money(Math.round(cents / units)) },
              { url: 'quantity', valueQuantity: { value: units } },
            ],
          },
        ]
      : []),
  ];
}

/** One decision: the amount asked for, or the reason of a denial, with the action and its date. */
function decision(action: string, day: Day, number: string, cents: number) {
  const extension = [
    {
      url: pdex('extension-reviewAction'),
      extension: [
        { url: 'number', valueString: number },
        {
          url: pdex('extension-reviewActionCode'),
          valueCodeableConcept: concept('https://codesystem.x12.org/005010/306', action),
        },
      ],
    },
    { url: pdex('base-ext-when-adjudicated'), valueDateTime: isoTime(day, 900) },
  ];
  return action === 'A3'
    ? { extension, ...denial() }
    : { extension, category: concept(`${TERMINOLOGY}/adjudication`, 'submitted'), amount: money(cents) };
}

/** Reason 50 of the claim adjustment reason codes, a bare value. */
const denial = () => ({ category: concept(DISCRIMINATOR, 'denialreason'), reason: concept(CARC, '50') });

const unitsEntry = (code: 'allowedunits' | 'consumedunits', units: number) => ({
  category: concept(DISCRIMINATOR, code),
  value: units,
});

const total = (code: 'submitted' | 'eligible' | 'utilized', cents: number, units: number) => ({
  extension: [{ url: pdex('PriorAuthorizationUtilization'), valueQuantity: { value: units } }],
  category: concept(`${PDEX}/CodeSystem/PriorAuthorizationValueCodes`, code),
  amount: money(cents),
});
