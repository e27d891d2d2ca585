import type { WithheldReason } from './withheld-reason.ts';

type Json = Readonly<Record<string, unknown>>;

const NDC = 'http://hl7.org/fhir/sid/ndc';
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const REVIEW_ACTION_CODE = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-reviewActionCode';
/** X12 306: A3 not certified. A6 (modified) and A2 (partial) are no denials. */
const DENIED_ACTIONS: ReadonlySet<string> = new Set(['A3']);
const PENDING_ACTIONS: ReadonlySet<string> = new Set(['A4']);

/** Calendar days of the plan, `yyyy-mm-dd`: the day of the request, and the same day a year before. */
export interface AuthorizationDays {
  readonly today: string;
  readonly yearAgo: string;
  /** The calendar day of the plan on which a moment lies. */
  readonly dayOf: (moment: string) => string | undefined;
}

/**
 * Why a prior authorization stays, or undefined when it leaves: not for a drug, not denied, and pending or active at the
 * request, or changed within a year before it (payer-to-payer.md 5.2). A denial that was overturned carries the later decision
 * and is none; one that was granted in part leaves whole.
 *
 * What counts as a change is a decision with its date, else the request itself. `meta.lastUpdated` does not: a system that
 * stamps its records every night would make all of them new.
 */
export function priorAuthorizationReason(
  authorization: Json,
  days: AuthorizationDays,
  options: { readonly deniedToo: boolean },
): WithheldReason | undefined {
  if (isForDrug(authorization)) return 'drug-prior-authorization';
  const actions = reviewActions(authorization);
  if (!options.deniedToo && isDenied(authorization, actions)) return 'denied-prior-authorization';
  if (isPending(authorization, actions) || isActive(authorization, days.today)) return undefined;
  const changed = lastChange(authorization, days);
  return changed !== undefined && changed < days.yearAgo ? 'stale-prior-authorization' : undefined;
}

/**
 * What a provider sent along with a prior authorization, as `Type/id`: it leaves with it (payer-to-payer.md 5.2).
 *
 * @param resource any resource; others have none
 */
export function supportingReferencesOf(resource: Json): readonly string[] {
  if (resource.resourceType !== 'ExplanationOfBenefit' || resource.use !== 'preauthorization') return [];
  return listOf(resource.supportingInfo).flatMap(({ valueReference }) => {
    const reference = (valueReference as Json | undefined)?.reference;
    return typeof reference === 'string' ? (LOCAL_REFERENCE.exec(reference)?.[1] ?? []) : [];
  });
}

const LOCAL_REFERENCE = /^([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

function isForDrug(authorization: Json): boolean {
  const type = codesOf(authorization.type);
  if (type.some(({ code }) => code === 'pharmacy')) return true;
  return listOf(authorization.item).some((item) =>
    codesOf(item.productOrService).some(({ system, code }) => system === NDC || system === RXNORM || isDrugCode(code)),
  );
}

/** HCPCS codes for drugs: J0120 to J9999, and Q5101 to Q5199 for biosimilars. */
function isDrugCode(code: string): boolean {
  return /^(?:J\d{4}|Q51\d\d)$/.test(code);
}

/** The latest decision of each line counts: a reversal stands behind the denial it reverses. */
function isDenied(authorization: Json, actions: readonly string[]): boolean {
  if (actions.length > 0) return actions.every((action) => DENIED_ACTIONS.has(action));
  const reasons = adjudicationsOf(authorization).filter(({ category }) =>
    codesOf(category).some(({ code }) => code === 'denialreason'),
  );
  return (
    authorization.outcome === 'error' ||
    (reasons.length > 0 && reasons.length >= Math.max(1, listOf(authorization.item).length))
  );
}

function isPending(authorization: Json, actions: readonly string[]): boolean {
  return authorization.outcome === 'queued' || actions.some((action) => PENDING_ACTIONS.has(action));
}

function isActive(authorization: Json, today: string): boolean {
  return (
    authorization.status === 'active' &&
    listOf(authorization.preAuthRefPeriod).some(({ end }) => typeof end === 'string' && end.slice(0, 10) >= today)
  );
}

/** The calendar day of the last decision, else of the request. */
function lastChange(authorization: Json, { dayOf }: AuthorizationDays): string | undefined {
  const decided = adjudicationsOf(authorization).flatMap((entry) => decidedAt(entry) ?? []);
  const moments = decided.length > 0 ? decided : [authorization.created];
  return moments
    .flatMap((moment) => (typeof moment === 'string' ? (dayOf(moment) ?? []) : []))
    .sort()
    .at(-1);
}

function decidedAt(entry: Json): string | undefined {
  const found = listOf(entry.extension).find(({ url }) => String(url).endsWith('/base-ext-when-adjudicated'));
  return typeof found?.valueDateTime === 'string' ? found.valueDateTime : undefined;
}

/** One action for each line (or the header): the latest by its date, the last that stands there where dates are missing. */
function reviewActions(authorization: Json): string[] {
  const groups = [
    listOf(authorization.adjudication),
    ...listOf(authorization.item).map((item) => listOf(item.adjudication)),
  ];
  return groups.flatMap((entries) => {
    const decisions = entries.flatMap((entry) => {
      const at = Date.parse(decidedAt(entry) ?? '');
      return actionCodes(entry.extension).map((code) => ({ code, at }));
    });
    if (decisions.every(({ at }) => !Number.isNaN(at))) decisions.sort((a, b) => a.at - b.at);
    return decisions.slice(-1).map(({ code }) => code);
  });
}

function actionCodes(extensions: unknown): string[] {
  return listOf(extensions).flatMap((extension) => {
    const own =
      extension.url === REVIEW_ACTION_CODE || extension.url === 'reviewActionCode'
        ? codesOf(extension.valueCodeableConcept).map(({ code }) => code)
        : [];
    return [...own, ...actionCodes(extension.extension)];
  });
}

function adjudicationsOf(authorization: Json): Json[] {
  return [
    ...listOf(authorization.adjudication),
    ...listOf(authorization.item).flatMap((item) => listOf(item.adjudication)),
  ];
}

function codesOf(concept: unknown): { system: string; code: string }[] {
  return listOf((concept as Json | undefined)?.coding).map(({ system, code }) => ({
    system: String(system ?? ''),
    code: String(code ?? ''),
  }));
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}
