import type { Segment } from '#/consent/grants/grants.ts';
import type { AccessType } from '#/onboarding/clients.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { SHAREABLE_TYPES } from './interaction/consent-choices.ts';

/** Types that say what was paid: they never leave by the member-mediated exchange (patient-access.md 1.7). */
const WITHOUT_CLAIMS: ReadonlySet<string> = new Set(
  SHAREABLE_TYPES.filter((type) => type !== 'ExplanationOfBenefit' && type !== 'Coverage'),
);
const ALL: ReadonlySet<string> = new Set(SHAREABLE_TYPES);

/** What an address of authorization stands for. */
export interface SegmentRules {
  readonly segment: Segment;
  readonly accessType: AccessType;
  /** Granted when a `classic` app asks for none. */
  readonly defaultScope: string;
  /** May people authorize who are no longer members? The new plan asks for the history of a former one. */
  readonly takesFormerMembers: boolean;
  readonly mayShare: (type: string) => boolean;
}

const RULES: Readonly<Record<Segment, SegmentRules>> = {
  'patient-access': {
    segment: 'patient-access',
    accessType: 'patient-access',
    defaultScope: 'user/*.read',
    takesFormerMembers: false,
    mayShare: (type) => ALL.has(type),
  },
  payer2payer: {
    segment: 'payer2payer',
    accessType: 'payer-to-payer-member',
    defaultScope: 'user/*.read',
    takesFormerMembers: true,
    mayShare: (type) => WITHOUT_CLAIMS.has(type),
  },
};

export function rulesOf(segment: Segment): SegmentRules {
  return RULES[segment];
}

/**
 * The last part of the address of authorization: none, `patient-access`, the plan's own name and, in a sandbox, `test` are
 * Patient Access; `payer2payer` is the member-mediated exchange.
 *
 * @returns undefined for anything else: a page that says so, never a redirect
 */
export function segmentOf(part: string | undefined, tenant: Tenant): SegmentRules | undefined {
  if (part === 'payer2payer') return RULES.payer2payer;
  const isPatientAccess =
    part === undefined ||
    part === 'patient-access' ||
    part === tenant.slug ||
    (part === 'test' && tenant.kind === 'sandbox');
  return isPatientAccess ? RULES['patient-access'] : undefined;
}
