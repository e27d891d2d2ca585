import type { WithheldReason } from './withheld-reason.ts';

type Json = Readonly<Record<string, unknown>>;

const DAYS_AFTER_CHANGE = 365;
const DAY_MS = 86_400_000;
const NDC = 'http://hl7.org/fhir/sid/ndc';
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const REVIEW_ACTION_CODE = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-reviewActionCode';
/** X12 306: A3 not certified. A6 (modified) and A2 (partial) are no denials. */
const DENIED_ACTIONS: ReadonlySet<string> = new Set(['A3']);
const PENDING_ACTIONS: ReadonlySet<string> = new Set(['A4']);

/**
 * Why a prior authorization stays, or undefined when it leaves: not for a drug, not denied, and pending or active at the
 * request, or changed within a year before it (payer-to-payer.md 5.2). A denial that was overturned carries the later decision
 * and is none; one that was granted in part leaves whole.
 */
export function priorAuthorizationReason(
  authorization: Json,
  now: Date,
  options: { readonly deniedToo: boolean },
): WithheldReason | undefined {
  if (isForDrug(authorization)) return 'drug-prior-authorization';
  const actions = reviewActions(authorization);
  if (!options.deniedToo && isDenied(authorization, actions)) return 'denied-prior-authorization';
  if (isPending(authorization, actions) || isActive(authorization, now)) return undefined;
  const changed = lastChange(authorization);
  return changed !== undefined && now.getTime() - changed.getTime() > DAYS_AFTER_CHANGE * DAY_MS
    ? 'stale-prior-authorization'
    : undefined;
}

function isForDrug(authorization: Json): boolean {
  const type = codesOf(authorization.type);
  if (type.some(({ code }) => code === 'pharmacy')) return true;
  return listOf(authorization.item).some((item) =>
    codesOf(item.productOrService).some(({ system, code }) => system === NDC || system === RXNORM || isDrugCode(code)),
  );
}

/** HCPCS codes for drugs begin with J. */
function isDrugCode(code: string): boolean {
  return /^J\d{4}$/.test(code);
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

function isActive(authorization: Json, now: Date): boolean {
  const today = now.toISOString().slice(0, 10);
  return (
    authorization.status === 'active' &&
    listOf(authorization.preAuthRefPeriod).some(({ end }) => typeof end === 'string' && end.slice(0, 10) >= today)
  );
}

function lastChange(authorization: Json): Date | undefined {
  const when = adjudicationsOf(authorization).flatMap((entry) =>
    listOf(entry.extension).flatMap((extension) =>
      String(extension.url).endsWith('base-ext-when-adjudicated') ? [extension.valueDateTime] : [],
    ),
  );
  const times = [...when, authorization.created, (authorization.meta as Json | undefined)?.lastUpdated]
    .filter((time) => typeof time === 'string')
    .map((time) => Date.parse(time))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

/** One action for each line (or the header): the last that stands there. */
function reviewActions(authorization: Json): string[] {
  const groups = [
    listOf(authorization.adjudication),
    ...listOf(authorization.item).map((item) => listOf(item.adjudication)),
  ];
  return groups.flatMap((entries) => {
    const codes = entries.flatMap((entry) => actionCodes(entry.extension));
    return codes.slice(-1);
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
