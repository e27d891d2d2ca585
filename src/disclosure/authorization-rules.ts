import { DISCRIMINATOR, MASKED, PDEX_DISCRIMINATOR } from './claim-codes.ts';
import { categoryOf, entryKeeping, HEADER, LINE, processNotes, saysAmount, supportingInfo } from './claim-elements.ts';
import type { RedactionSettings } from './redact.ts';
import { eachBy, keep, keepAll, objectBy, type Rewrite, type Rule } from './rewrite.ts';

const UNITS = ['allowedunits', 'consumedunits'];

/**
 * A prior authorization keeps its decision and its units, which lie in entries that R4 obliges to have an amount: the amount
 * is masked, everything that only tells of money goes (payer-to-payer.md 6.3 for `use=preauthorization`, P2P-61).
 */
export function authorizationRule(settings: RedactionSettings, contained: Rewrite): Rule {
  const adjudication = eachBy(adjudicationEntry);
  const subDetail = eachBy(objectBy({ ...LINE, adjudication }));
  const detail = eachBy(objectBy({ ...LINE, adjudication, subDetail }));
  const lines = eachBy(objectBy({ ...LINE, adjudication, detail }));
  return {
    ...HEADER,
    contained,
    supportingInfo: eachBy(supportingInfo),
    item: lines,
    addItem: lines,
    adjudication,
    total: eachBy(objectBy({ ...keepAll('id', 'extension', 'modifierExtension', 'category'), amount: masked })),
    disposition: (rewriting, node) => !saysAmount(rewriting.line, node) && keep(rewriting, node),
    processNote: processNotes(settings),
  };
}

const masked: Rewrite = (rewriting, amount) => {
  rewriting.put(rewriting.line.start[amount]!, rewriting.line.end[amount]!, MASKED);
  return true;
};
const decision = entryKeeping({ amount: masked });
const units = entryKeeping({ amount: masked, value: keep });

const adjudicationEntry: Rewrite = (rewriting, entry) => {
  const { line } = rewriting;
  const isUnits = [PDEX_DISCRIMINATOR, DISCRIMINATOR].some((system) => categoryOf(line, entry, system, UNITS));
  return (isUnits ? units : decision)(rewriting, entry);
};
