import { isSensitive } from '#/sensitivity/categories.ts';
import { type AuthorizationDays, priorAuthorizationReason } from './prior-authorization.ts';
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
  /** Asked beside the labels while those of the store are not up to date. */
  readonly isSensitiveToo?: ((resource: Json) => boolean) | undefined;
  /** What prior authorizations that leave name as their support, as `Type/id`: it goes along, whatever its date. */
  readonly supporting?: ReadonlySet<string>;
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
  if (request.consentPolicy === 'regular' && (isSensitive(resource) || request.isSensitiveToo?.(resource) === true))
    return { release: false, reason: 'sensitive' };
  const days = daysOnce(request);
  if (type === 'ExplanationOfBenefit' && resource.use !== 'claim') {
    // What a plan would pay, if: no claim and no decision (5.1).
    if (resource.use !== 'preauthorization') return { release: false, reason: 'type' };
    const reason = priorAuthorizationReason(resource, days, { deniedToo: accessType === 'provider-access' });
    return reason === undefined ? { release: true, redact } : { release: false, reason };
  }
  const day = lastServiceDay(resource);
  if (day !== undefined && day < days.first && request.supporting?.has(`${type}/${resource.id}`) !== true)
    return { release: false, reason: 'window' };
  return { release: true, redact };
}

interface RequestDays extends AuthorizationDays {
  /** The window's first day. */
  readonly first: string;
}

const daysByRequest = new WeakMap<PolicyRequest, RequestDays>();

/**
 * The days that the decision compares with, worked out once for each request: a formatter of dates costs 50 µs and memory that
 * no garbage collector sees (an export of 90,000 lines took 5 GB of it and 20 s).
 */
function daysOnce(request: PolicyRequest): RequestDays {
  const known = daysByRequest.get(request);
  if (known !== undefined) return known;
  const format = dayFormat(request.tenant.timeZone);
  const today = format.format(request.now);
  const days: RequestDays = {
    first: firstDay(request),
    today,
    yearAgo: yearsBefore(today, 1),
    dayOf(moment) {
      if (/^\d{4}-\d\d-\d\d$/.test(moment)) return moment;
      const at = Date.parse(moment);
      return Number.isNaN(at) ? undefined : format.format(at);
    },
  };
  daysByRequest.set(request, days);
  return days;
}

/** The first calendar day of the window, `yyyy-mm-dd`, in the plan's time zone. 29 February goes to 28. */
export function firstDay(request: Pick<PolicyRequest, 'accessType' | 'now' | 'tenant'>): string {
  if (request.accessType === 'provider-access') return PROVIDER_ACCESS_FROM;
  const { serviceDateYears, timeZone } = request.tenant;
  return yearsBefore(dayFormat(timeZone).format(request.now), serviceDateYears);
}

const dayFormat = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });

/** The same day some years before; 29 February goes to 28. */
function yearsBefore(today: string, years: number): string {
  const [year = '', month = '', day = ''] = today.split('-');
  const first = Number(year) - years;
  const exists = month !== '02' || day !== '29' || new Date(Date.UTC(first, 1, 29)).getUTCMonth() === 1;
  return `${String(first).padStart(4, '0')}-${month}-${exists ? day : '28'}`;
}
