import { AMOUNT_TEXT } from './claim-codes.ts';
import type { Outline } from './json-outline.ts';
import type { RedactionSettings } from './redact.ts';
import { drop, eachBy, keep, keepAll, objectBy, type Rewrite, type Rule } from './rewrite.ts';

/** What claims and prior authorizations have in common: the elements of ExplanationOfBenefit that tell no amount. */
export const HEADER: Rule = keepAll(
  ...['resourceType', 'id', 'meta', 'implicitRules', 'language', 'extension', 'modifierExtension', 'identifier'],
  ...['status', 'type', 'subType', 'use', 'patient', 'billablePeriod', 'created', 'enterer', 'insurer', 'provider'],
  ...['priority', 'related', 'prescription', 'originalPrescription', 'payee', 'referral', 'facility', 'claim'],
  ...['claimResponse', 'outcome', 'preAuthRef', 'preAuthRefPeriod', 'careTeam', 'diagnosis', 'procedure'],
  ...['precedence', 'insurance', 'accident', 'formCode', 'benefitPeriod'],
);

/** The same of an item, an added item, a detail and a sub-detail. */
export const LINE: Rule = keepAll(
  ...['id', 'extension', 'modifierExtension', 'sequence', 'itemSequence', 'detailSequence', 'subDetailSequence'],
  ...['provider', 'careTeamSequence', 'diagnosisSequence', 'procedureSequence', 'informationSequence', 'revenue'],
  ...['category', 'productOrService', 'modifier', 'programCode', 'servicedDate', 'servicedPeriod'],
  ...['locationCodeableConcept', 'locationAddress', 'locationReference', 'quantity', 'udi', 'bodySite', 'subSite'],
  ...['encounter', 'noteNumber'],
);

/** An adjudication entry that keeps its decision, and what is named beside. */
export function entryKeeping(more: Rule = {}): Rewrite {
  return objectBy({ ...keepAll('id', 'extension', 'modifierExtension', 'category', 'reason'), ...more });
}

/**
 * Which of these codes an entry's category has, when all its codings are of the one system and agree; a second coding
 * could name an amount. Undefined for any other.
 */
export function categoryOf<Code extends string>(
  line: Outline,
  entry: number,
  system: string,
  codes: readonly Code[],
): Code | undefined {
  if (isUsualEntryOfOther(line, entry, system)) return undefined;
  const category = line.memberOf(entry, 'category');
  const codings = category === undefined ? undefined : line.memberOf(category, 'coding');
  if (codings === undefined || !line.isArray(codings)) return undefined;
  let agreed: Code | undefined;
  const last = line.next[codings]!;
  for (let coding = codings + 1; coding < last; coding = line.next[coding]!) {
    const itsSystem = line.memberOf(coding, 'system');
    if (itsSystem === undefined || !line.stringIs(itsSystem, system)) return undefined;
    const member = line.memberOf(coding, 'code');
    const code = member === undefined ? undefined : codes.find((known) => line.stringIs(member, known));
    if (code === undefined || (agreed !== undefined && code !== agreed)) return undefined;
    agreed = code;
  }
  return agreed;
}

/** Most entries of a claim are amounts and written like this, with a system of another length: a look instead of a search. */
function isUsualEntryOfOther(line: Outline, entry: number, system: string): boolean {
  const category = entry + 1;
  const coding = entry + 2;
  const first = entry + 4;
  return (
    first < line.next[entry]! &&
    line.end[first]! - line.start[first]! - 2 !== system.length &&
    line.keyIs(category, 'category') &&
    line.keyIs(coding, 'coding') &&
    line.keyIs(first, 'system') &&
    !line.hasEscapes
  );
}

/** Texts and Quantities may tell an amount: then the entry goes (6.3, step 5). */
export const supportingInfo: Rewrite = (rewriting, entry) => {
  const { line } = rewriting;
  if (!line.isObject(entry)) return keep(rewriting, entry);
  const last = line.next[entry]!;
  for (let member = entry + 1; member < last; member = line.next[member]!) {
    if (line.keyIs(member, 'valueString') && saysAmount(line, member)) return false;
    if (line.keyIs(member, 'valueQuantity') && losesMoney(rewriting, member)) return false;
  }
  return keep(rewriting, entry);
};

const losesMoney: Rewrite = (rewriting, node) => {
  const { mark } = rewriting;
  const goes = !keep(rewriting, node) || rewriting.mark > mark;
  rewriting.undo(mark);
  return goes;
};

export function processNotes(settings: RedactionSettings): Rewrite {
  return settings.dropProcessNotes
    ? drop
    : eachBy((rewriting, note) => !saysAmount(rewriting.line, note) && keep(rewriting, note));
}

/** Does a string, or a string anywhere in a value, read like an amount? */
export function saysAmount(line: Outline, node: number): boolean {
  const last = line.next[node]!;
  for (let inner = node; inner < last; inner++) {
    const text = line.stringOf(inner);
    if (text !== undefined && AMOUNT_TEXT.test(text)) return true;
  }
  return false;
}
