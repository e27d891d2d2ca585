import { spanOf } from './calendar.ts';
import { compareWith, hasNumbers, type PayerIdentifier, type PayerNumbers } from './payer-identifiers.ts';

/** What a consent covers: everything but data the law treats as sensitive, or everything (HRex). */
export type ConsentPolicy = 'regular' | 'sensitive';

/** The two policies of HRex; they are compared exactly, case included. */
export const CONSENT_POLICY_URIS: ReadonlyMap<string, ConsentPolicy> = new Map([
  ['http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#regular', 'regular'],
  ['http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#sensitive', 'sensitive'],
]);

/** A Consent as another payer sent it, read but not judged (`readConsent`). */
export interface SentConsent {
  readonly status: string;
  readonly provisionType: string;
  /** Elements that restrict it in ways we cannot honour; ignoring one would disclose too much. */
  readonly restrictions: readonly string[];
  readonly policies: readonly string[];
  readonly periodStart: string;
  readonly periodEnd: string;
  /** Who may receive; each with the identifiers it is named by, perhaps none. */
  readonly recipients: readonly (readonly PayerIdentifier[])[];
  /** Who discloses. */
  readonly sources: readonly (readonly PayerIdentifier[])[];
  /** The reference to the signed document, or `attachment`; evidence for an audit, never opened. */
  readonly evidence: string | undefined;
}

/** Why a consent cannot be complied with (payer-to-payer.md 1.6). */
export type ConsentRefusalCode =
  | 'consent-invalid'
  | 'consent-expired'
  | 'consent-not-yet-valid'
  | 'consent-recipient'
  | 'consent-source'
  | 'consent-blocked'
  | 'consent-constraint';

export interface ConsentContext {
  readonly now: Date;
  readonly timeZone: string;
  readonly environment: 'sandbox' | 'production';
  /** The organization that the calling client belongs to. */
  readonly caller: PayerNumbers | undefined;
  readonly ownNumbers: PayerNumbers;
  /** Has the member told this plan not to share with other payers? */
  readonly blocked: boolean;
  readonly sensitiveData: SensitiveDataStance;
}

/** What the plan can do about data the law treats as sensitive. */
export interface SensitiveDataStance {
  readonly holds: boolean;
  /** Are they recognised, so that they can be withheld? */
  readonly labels: boolean;
  readonly releases: boolean;
}

export type ConsentDecision =
  | { readonly kind: 'accepted'; readonly policy: ConsentPolicy; readonly startsAt: Date; readonly endsAt: Date }
  | { readonly kind: 'refused'; readonly code: ConsentRefusalCode };

/**
 * Can this consent be complied with? The checks of payer-to-payer.md 1.6 in their order; the first failure wins. A client
 * without an organization cannot be compared with a recipient: that passes in a sandbox and fails in production.
 *
 * Source: HRex consent profile; PDex §156, §167, §203.
 */
export function decideConsent(consent: SentConsent, context: ConsentContext): ConsentDecision {
  const refused = (code: ConsentRefusalCode): ConsentDecision => ({ kind: 'refused', code });
  if (consent.status !== 'active' || consent.provisionType !== 'permit' || consent.restrictions.length > 0)
    return refused('consent-invalid');
  const policies = consent.policies.flatMap((uri) => CONSENT_POLICY_URIS.get(uri) ?? []);
  const policy = policies[0];
  if (policy === undefined || policies.length > 1) return refused('consent-invalid');
  const start = spanOf(consent.periodStart, context.timeZone);
  const end = spanOf(consent.periodEnd, context.timeZone);
  if (!start || !end || start.start > end.end) return refused('consent-invalid');
  const startsAt = start.start;
  const endsAt = end.end;
  if (context.now < startsAt) return refused('consent-not-yet-valid');
  if (context.now > endsAt) return refused('consent-expired');
  if (!named(consent.recipients, context.caller, context.environment)) return refused('consent-recipient');
  if (!named(consent.sources, context.ownNumbers, context.environment)) return refused('consent-source');
  if (context.blocked) return refused('consent-blocked');
  if (!canHonour(policy, context.sensitiveData)) return refused('consent-constraint');
  return { kind: 'accepted', policy, startsAt, endsAt };
}

/** A consent that was accepted, as it is kept. */
export interface ConsentRecord {
  readonly policy: ConsentPolicy;
  readonly startsAt: Date;
  readonly endsAt: Date;
}

/**
 * The same question about a consent accepted before, at kick-off, while an export runs, and at each download: time goes
 * on, the member may have set a block, the plan may have changed what it can honour. Nothing that happens after the
 * period has ended makes it active again.
 *
 * @returns undefined when data may leave
 */
export function whyNotActive(
  record: ConsentRecord,
  context: Pick<ConsentContext, 'now' | 'blocked' | 'sensitiveData'>,
): ConsentRefusalCode | undefined {
  if (context.now < record.startsAt) return 'consent-not-yet-valid';
  if (context.now > record.endsAt) return 'consent-expired';
  if (context.blocked) return 'consent-blocked';
  return canHonour(record.policy, context.sensitiveData) ? undefined : 'consent-constraint';
}

/** `sensitive`: may the plan release them? `regular`: can it tell them from the rest? (P2P-64) */
export function canHonour(policy: ConsentPolicy, stance: SensitiveDataStance): boolean {
  if (!stance.holds) return true;
  return policy === 'sensitive' ? stance.releases : stance.labels;
}

/** Nobody named: nothing to check. Somebody named: one of them has to be the organization. */
function named(
  actors: SentConsent['recipients'],
  organization: PayerNumbers | undefined,
  environment: 'sandbox' | 'production',
): boolean {
  if (actors.length === 0) return true;
  if (!organization || !hasNumbers(organization)) return environment === 'sandbox';
  return actors.some((identifiers) =>
    identifiers.some((identifier) => compareWith(identifier, organization) === 'same'),
  );
}
