import { DISCRIMINATOR, isReasonCategory, KEPT_CATEGORIES, UNITS_CATEGORY } from './claim-codes.ts';
import { categoryOf, entryKeeping, HEADER, LINE, processNotes, supportingInfo } from './claim-elements.ts';
import type { RedactionSettings } from './redact.ts';
import { eachBy, keep, keepAll, objectBy, type Rewrite, type Rule } from './rewrite.ts';

/** A claim without amounts (payer-to-payer.md 6.3 for `use=claim`). */
export function claimRule(settings: RedactionSettings, contained: Rewrite): Rule {
  const adjudication = eachBy(adjudicationEntry(settings));
  const subDetail = eachBy(objectBy({ ...LINE, adjudication }));
  const detail = eachBy(objectBy({ ...LINE, adjudication, subDetail }));
  const lines = eachBy(objectBy({ ...LINE, adjudication, detail }));
  return {
    ...HEADER,
    contained,
    supportingInfo: eachBy(claimSupportingInfo),
    item: lines,
    addItem: lines,
    adjudication,
    payment: objectBy(keepAll('id', 'type', 'date')),
    processNote: processNotes(settings),
  };
}

/** Entries of a kept category, without amounts; what is not known to be harmless goes (6.3, step 2). */
function adjudicationEntry(settings: RedactionSettings): Rewrite {
  const decision = entryKeeping();
  const units = entryKeeping({ value: keep });
  return (rewriting, entry) => {
    const category = categoryOf(rewriting.line, entry, DISCRIMINATOR, KEPT_CATEGORIES);
    if (category === undefined) return false;
    if (settings.dropRemittanceReasonCodes && isReasonCategory(category)) return false;
    return (category === UNITS_CATEGORY ? units : decision)(rewriting, entry);
  };
}

/** Attachments of a claim may be the remittance itself. */
const claimSupportingInfo: Rewrite = (rewriting, entry) =>
  rewriting.line.memberOf(entry, 'valueAttachment') === undefined && supportingInfo(rewriting, entry);
