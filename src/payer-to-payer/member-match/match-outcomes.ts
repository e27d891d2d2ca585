import type { ConsentRefusalCode } from '#/consent/consent.ts';
import { P2P_OUTCOME_CODES } from '#/fhir/our-canonicals.ts';
import { FhirRefusal, type IssueType, type OutcomeIssue } from '#/fhir/outcome.ts';
import type { InputProblem, InputProblemCode } from './parse-member-match.ts';

/** Every way a match can be refused once the caller is known and the request is read. */
export type MatchRefusalCode = 'no-match' | 'multiple-matches' | 'wrong-payer' | 'rate-limited' | ConsentRefusalCode;

/** What the surface around the operation refuses: the codes of every payer-to-payer outcome. */
export type SurfaceCode = 'unauthenticated' | 'not-authorized' | 'unknown-tenant' | 'internal';

interface OutcomeRow {
  readonly status: number;
  readonly issue: IssueType;
}

/** One table for the surface (payer-to-payer.md 1.7): `satisfies` keeps it complete. */
export const matchOutcomes = {
  'no-match': {
    status: 422,
    issue: 'not-found',
    text: 'No member of this plan matches the demographics and coverage that were sent.',
  },
  'multiple-matches': {
    status: 422,
    issue: 'multiple-matches',
    text: 'The demographics and coverage that were sent do not tell one member of this plan from another.',
  },
  'wrong-payer': { status: 422, issue: 'business-rule', text: 'CoverageToMatch names another payer than this plan.' },
  'rate-limited': {
    status: 429,
    issue: 'throttled',
    text: 'Too many attempts. Wait as long as Retry-After says before you try again.',
  },
  'consent-invalid': {
    status: 422,
    issue: 'suppressed',
    text: 'The Consent cannot be complied with: it must be active, permit disclosure, have exactly one of the two HRex policies, a period that ends after it starts, and no element that restricts it.',
  },
  'consent-expired': { status: 422, issue: 'suppressed', text: 'The period of the Consent is over.' },
  'consent-not-yet-valid': { status: 422, issue: 'suppressed', text: 'The period of the Consent has not begun.' },
  'consent-recipient': {
    status: 422,
    issue: 'suppressed',
    text: 'The recipient that the Consent names is not the organization that this client is registered for.',
  },
  'consent-source': {
    status: 422,
    issue: 'suppressed',
    text: 'The disclosing payer that the Consent names is not this plan.',
  },
  'consent-blocked': {
    status: 422,
    issue: 'suppressed',
    text: 'This plan cannot comply with the Consent for this member.',
  },
  'consent-constraint': {
    status: 422,
    issue: 'suppressed',
    text: 'This plan cannot honour the policy of the Consent, because it cannot tell sensitive data from the rest as that policy needs.',
  },
} as const satisfies Record<MatchRefusalCode, OutcomeRow & { text: string }>;

export const inputOutcomes = {
  malformed: { status: 400, issue: 'structure' },
  'missing-parameter': { status: 422, issue: 'required' },
  'duplicate-parameter': { status: 422, issue: 'invalid' },
  'unknown-parameter': { status: 422, issue: 'invalid' },
  'missing-field': { status: 422, issue: 'required' },
  'invalid-field': { status: 422, issue: 'invalid' },
} as const satisfies Record<InputProblemCode, OutcomeRow>;

export const coded = (code: string): { system: string; code: string } => ({ system: P2P_OUTCOME_CODES, code });

/** At most this many problems are told at once. */
const PROBLEMS_MAX = 50;

export function matchRefusal(code: MatchRefusalCode, options: { retryAfterSeconds?: number } = {}): FhirRefusal {
  const { status, issue, text } = matchOutcomes[code];
  return new FhirRefusal(
    status,
    { severity: 'error', code: issue, text, coding: coded(code) },
    {
      facts: { refusal: code },
      ...(options.retryAfterSeconds === undefined
        ? {}
        : { headers: { 'retry-after': String(options.retryAfterSeconds) } }),
    },
  );
}

/** All that is wrong with what was sent, in one answer: names of parameters and elements, nothing of their content. */
export function inputRefusal(problems: readonly InputProblem[]): FhirRefusal {
  const issues = problems.slice(0, PROBLEMS_MAX).map(
    (problem): OutcomeIssue => ({
      severity: 'error',
      code: inputOutcomes[problem.code].issue,
      text: problem.text,
      coding: coded(problem.code),
      ...(problem.expression === undefined ? {} : { expression: [problem.expression] }),
    }),
  );
  const first = problems[0]?.code ?? 'malformed';
  return new FhirRefusal(inputOutcomes[first].status, issues, { facts: { refusal: first } });
}

const SURFACE_CODES: Readonly<Record<number, SurfaceCode>> = {
  401: 'unauthenticated',
  403: 'not-authorized',
  404: 'unknown-tenant',
};

/** The refusals of the stations before the operation, with the code that a payer's program can switch on. */
export function withSurfaceCode(refusal: FhirRefusal): FhirRefusal {
  const code = SURFACE_CODES[refusal.status];
  if (code === undefined) return refusal;
  return new FhirRefusal(
    refusal.status,
    refusal.issues.map((issue) => ({ ...issue, coding: issue.coding ?? coded(code) })),
    { headers: refusal.headers, facts: refusal.facts, cause: refusal.cause },
  );
}
