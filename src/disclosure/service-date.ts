type Json = Readonly<Record<string, unknown>>;

/** Statuses under which a problem, allergy or device is over; anything else counts as lasting. */
const OVER: ReadonlySet<string> = new Set(['resolved', 'inactive', 'remission', 'entered-in-error']);

/**
 * The last calendar day (`yyyy-mm-dd`, or the beginning of one) on which a resource's service took place, by the table of
 * payer-to-payer.md 5.3. A partial date counts with its last day. Undefined: undated or lasting, so it always leaves.
 */
export function lastServiceDay(resource: Json): string | undefined {
  switch (resource.resourceType) {
    case 'ExplanationOfBenefit':
      return latest(itemDays(resource)) ?? endOf(resource.billablePeriod);
    case 'Encounter':
    case 'CarePlan':
    case 'CareTeam':
      return isOpen(resource.period) ? undefined : endOf(resource.period);
    case 'Goal':
      return latest([...targetDays(resource), dayOf(resource.startDate)]);
    case 'Observation':
    case 'DiagnosticReport':
      return variant(resource, 'effective');
    case 'Procedure':
      return variant(resource, 'performed');
    case 'Immunization':
      return variant(resource, 'occurrence');
    case 'MedicationRequest':
    case 'ServiceRequest':
      return dayOf(resource.authoredOn);
    case 'MedicationDispense':
      return dayOf(resource.whenHandedOver) ?? dayOf(resource.whenPrepared);
    case 'Condition':
    case 'AllergyIntolerance':
      return isOver(resource.clinicalStatus)
        ? (variant(resource, 'abatement') ?? variant(resource, 'onset') ?? dayOf(resource.recordedDate))
        : undefined;
    case 'Device':
      return OVER.has(String(resource.status))
        ? (dayOf(resource.expirationDate) ?? dayOf(resource.manufactureDate))
        : undefined;
    case 'DocumentReference':
      return endOf((resource.context as Json | undefined)?.period) ?? dayOf(resource.date);
    case 'Specimen':
      return variant((resource.collection ?? {}) as Json, 'collected');
    case 'QuestionnaireResponse':
      return dayOf(resource.authored);
    default:
      return undefined;
  }
}

function itemDays(claim: Json): (string | undefined)[] {
  const items = Array.isArray(claim.item) ? (claim.item as Json[]) : [];
  return items.map((item) => dayOf(item?.servicedDate) ?? endOf(item?.servicedPeriod));
}

function targetDays(goal: Json): (string | undefined)[] {
  const targets = Array.isArray(goal.target) ? (goal.target as Json[]) : [];
  return targets.map((target) => dayOf(target?.dueDate));
}

function isOpen(period: unknown): boolean {
  return typeof period === 'object' && period !== null && !('end' in period);
}

function isOver(status: unknown): boolean {
  const coding = (status as { coding?: { code?: unknown }[] } | undefined)?.coding;
  return Array.isArray(coding) && coding.some((code) => OVER.has(String(code?.code)));
}

function variant(resource: Json, name: string): string | undefined {
  return dayOf(resource[`${name}DateTime`]) ?? dayOf(resource[`${name}Instant`]) ?? endOf(resource[`${name}Period`]);
}

function endOf(period: unknown): string | undefined {
  if (typeof period !== 'object' || period === null) return undefined;
  const { start, end } = period as Json;
  return dayOf(end) ?? dayOf(start);
}

/** The last day that a date of any precision covers. */
function dayOf(date: unknown): string | undefined {
  if (typeof date !== 'string') return undefined;
  if (/^\d{4}$/.test(date)) return `${date}-12-31`;
  if (/^\d{4}-\d\d$/.test(date)) return `${date}-31`;
  return /^\d{4}-\d\d-\d\d/.test(date) ? date.slice(0, 10) : undefined;
}

function latest(days: readonly (string | undefined)[]): string | undefined {
  return days
    .filter((day) => day !== undefined)
    .sort()
    .at(-1);
}
