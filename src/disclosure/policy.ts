import { priorAuthorizationReason } from './prior-authorization.ts';
import { isSensitive } from './sensitive-labels.ts';
import { lastServiceDay } from './service-date.ts';
import type { WithheldReason } from './withheld-reason.ts';

type Json = Readonly<Record<string, unknown>>;

/** To whom, by which of the products (payer-to-payer.md 5.5). */
export type DisclosureAccess = 'patient-access' | 'payer-to-payer' | 'payer-to-payer-member' | 'provider-access';

export interface PolicyRequest {
  readonly accessType: DisclosureAccess;
  /** What the consent allows: everything lawful, or everything but sensitive data. */
  readonly consentPolicy: 'regular' | 'sensitive';
  /** The time of the request; the window of service dates counts back from it. */
  readonly now: Date;
  readonly tenant: { readonly serviceDateYears: number; readonly timeZone: string };
}

export type Release =
  | { readonly release: true; readonly redact: boolean }
  | { readonly release: false; readonly reason: WithheldReason };

/** Clinical types of 5.1, for every access type. */
const CLINICAL_TYPES = [
  ...[
    'AllergyIntolerance',
    'CarePlan',
    'CareTeam',
    'Condition',
    'Device',
    'DiagnosticReport',
    'DocumentReference',
    'Encounter',
    'Goal',
  ],
  ...[
    'Immunization',
    'Location',
    'Medication',
    'MedicationDispense',
    'MedicationRequest',
    'Observation',
    'Organization',
    'Patient',
  ],
  ...[
    'Practitioner',
    'PractitionerRole',
    'Procedure',
    'Provenance',
    'QuestionnaireResponse',
    'RelatedPerson',
    'ServiceRequest',
    'Specimen',
  ],
];
const PAYER_TYPES: ReadonlySet<string> = new Set([...CLINICAL_TYPES, 'Coverage', 'ExplanationOfBenefit']);

/** Which types may leave at all, by access type; `Claim`, `ClaimResponse`, `Binary` ... are in none (5.2). */
const TYPES: Readonly<Record<DisclosureAccess, ReadonlySet<string>>> = {
  'patient-access': PAYER_TYPES,
  'payer-to-payer': PAYER_TYPES,
  'provider-access': PAYER_TYPES,
  'payer-to-payer-member': new Set(CLINICAL_TYPES),
};
/** Provider Access reaches back to this day (CMS-0057-F). */
const PROVIDER_ACCESS_FROM = '2016-01-01';

/**
 * The one decision on whether a resource may leave, and whether without its amounts (P2P-65). Pure: the resource, the
 * request, nothing else.
 *
 * Source: payer-to-payer.md 5.1 to 5.5, 6.5.
 */
export function decideRelease(resource: Json, request: PolicyRequest): Release {
  const type = String(resource.resourceType);
  const { accessType } = request;
  if (!TYPES[accessType].has(type)) return { release: false, reason: 'type' };
  const redact = accessType === 'payer-to-payer' || accessType === 'provider-access';
  if (accessType === 'patient-access') return { release: true, redact };
  if (request.consentPolicy === 'regular' && isSensitive(resource)) return { release: false, reason: 'sensitive' };
  if (type === 'ExplanationOfBenefit' && resource.use !== 'claim') {
    const reason = priorAuthorizationReason(resource, request.now, { deniedToo: accessType === 'provider-access' });
    return reason === undefined ? { release: true, redact } : { release: false, reason };
  }
  const day = lastServiceDay(resource);
  if (day !== undefined && day < firstDayOnce(request)) return { release: false, reason: 'window' };
  return { release: true, redact };
}

const firstDays = new WeakMap<PolicyRequest, string>();

/**
 * The window's first day, worked out once for each request: a formatter of dates costs 50 µs and memory that no garbage
 * collector sees (an export of 90,000 lines took 5 GB of it and 20 s).
 */
function firstDayOnce(request: PolicyRequest): string {
  const known = firstDays.get(request);
  if (known !== undefined) return known;
  const day = firstDay(request);
  firstDays.set(request, day);
  return day;
}

/** The first calendar day of the window, `yyyy-mm-dd`, in the plan's time zone. 29 February goes to 28. */
export function firstDay(request: Pick<PolicyRequest, 'accessType' | 'now' | 'tenant'>): string {
  if (request.accessType === 'provider-access') return PROVIDER_ACCESS_FROM;
  const { serviceDateYears, timeZone } = request.tenant;
  const today = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(request.now);
  const [year = '', month = '', day = ''] = today.split('-');
  const first = Number(year) - serviceDateYears;
  const exists = month !== '02' || day !== '29' || new Date(Date.UTC(first, 1, 29)).getUTCMonth() === 1;
  return `${String(first).padStart(4, '0')}-${month}-${exists ? day : '28'}`;
}
