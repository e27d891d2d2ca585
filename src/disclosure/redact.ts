import { authorizationRule } from './authorization-rules.ts';
import { claimRule } from './claim-rules.ts';
import { Outline } from './json-outline.ts';
import { isMoneyName, mayHoldMoney } from './money-values.ts';
import { claimMeta, labelledMeta, type Rewritten } from './redact-meta.ts';
import { compileRule, eachBy, type FindRewrite, keep, keepAll, type Rewrite, type Rule } from './rewrite.ts';
import { eachPart, Rewriting } from './rewriting.ts';

/** What a plan may choose about redaction. */
export interface RedactionSettings {
  readonly addRedactedLabel: boolean;
  readonly dropProcessNotes: boolean;
  readonly dropRemittanceReasonCodes: boolean;
}

/**
 * Takes every amount of cost-sharing and remittance out of a resource that goes to another payer or to a provider. Works
 * on the canonical text: what is kept is copied, nothing is printed anew, so numbers keep their digits.
 *
 * ExplanationOfBenefit and Coverage pass by allow-lists, so that an element nobody thought of does not slip through;
 * every other type loses Money and currency Quantities wherever they are.
 *
 * @param line one resource, read by `readLine`
 * @returns canonical JSON in UTF-8; the line's own bytes when nothing had to go
 *
 * Source: payer-to-payer.md 6.1 to 6.3 (P2P-59 to P2P-61).
 */
export function redact(line: Outline, settings: RedactionSettings): Buffer {
  const { addRedactedLabel: addLabel } = settings;
  const rules = rulesOf(settings);
  switch (kindOf(line, 0)) {
    case 'claim':
      return rewritten(line, rules.claim, (meta, kept) => claimMeta(meta, kept, addLabel));
    case 'authorization':
      return rewritten(line, rules.authorization, (meta, kept) => labelledMeta(meta, kept, addLabel));
    case 'coverage': {
      const hasAmounts = line.memberOf(0, 'costToBeneficiary') !== undefined;
      return rewritten(line, rules.coverage, (meta, kept) => labelledMeta(meta, kept, addLabel && hasAmounts));
    }
    case 'other': {
      rewriting.begin(line);
      const stays = rules.other(rewriting, 0);
      return stays ? (rewriting.mark === 0 ? line.bytes : rewriting.bytesOf(0)) : Buffer.from('{}');
    }
  }
}

/** One at a time is under rewriting: nothing here waits. */
const rewriting = new Rewriting(new Outline());

type Kind = 'claim' | 'authorization' | 'coverage' | 'other';

function kindOf(line: Outline, node: number): Kind {
  const type = line.memberOf(node, 'resourceType');
  if (type === undefined) return 'other';
  if (line.stringIs(type, 'Coverage')) return 'coverage';
  if (!line.stringIs(type, 'ExplanationOfBenefit')) return 'other';
  const use = line.memberOf(node, 'use');
  return use !== undefined && line.stringIs(use, 'preauthorization') ? 'authorization' : 'claim';
}

/** A resource by its allow-list, with the `meta` that what stayed allows. */
function rewritten(
  line: Outline,
  find: FindRewrite,
  metaOf: (meta: number | undefined, kept: Rewritten) => string | undefined,
): Buffer {
  const meta = line.memberOf(0, 'meta');
  const first = pass(line, find, meta, true);
  const text = metaOf(meta, first);
  if (text === undefined && meta === undefined) return first.rewriting.bytesOf(0);
  if (text === undefined) return pass(line, find, meta, false).rewriting.bytesOf(0);
  first.rewriting.fill(first.metaAt, first.metaTextOf(text));
  return first.rewriting.bytesOf(0);
}

interface Pass extends Rewritten {
  readonly rewriting: Rewriting;
  /** The edit that awaits the text of `meta`. */
  readonly metaAt: number;
  /** How the text is written there. */
  readonly metaTextOf: (meta: string) => string;
}

/** Meta is left open where it stands; where there is none, behind the id, where readers look for it. */
function pass(line: Outline, find: FindRewrite, meta: number | undefined, keepsMeta: boolean): Pass {
  rewriting.begin(line);
  const members: number[] = [];
  let metaAt = -1;
  let metaTextOf = (text: string): string => text;
  const leaveOpen = (from: number, to: number): void => {
    metaAt = rewriting.mark;
    rewriting.put(from, to, '');
  };
  const member = meta === undefined ? line.memberOf(0, 'id') : undefined;
  // A string always stays.
  const id = member !== undefined && line.isString(member) ? member : undefined;
  if (meta === undefined) {
    metaTextOf =
      id === undefined ? (text) => `"meta":${text}${members.length > 0 ? ',' : ''}` : (text) => `,"meta":${text}`;
    if (id === undefined) leaveOpen(1, 1);
  }
  eachPart(rewriting, 0, (_, member) => {
    if (member === meta) {
      if (keepsMeta) leaveOpen(line.start[meta]!, line.end[meta]!);
      return keepsMeta;
    }
    if (!find(line, member)(rewriting, member)) return false;
    members.push(member);
    if (member === id) leaveOpen(line.end[id]!, line.end[id]!);
    return true;
  });
  return { line, members, rewriting, metaAt, metaTextOf };
}

interface Rules {
  readonly claim: FindRewrite;
  readonly authorization: FindRewrite;
  readonly coverage: FindRewrite;
  readonly other: Rewrite;
}

const rulesBySettings = new WeakMap<RedactionSettings, Rules>();

function rulesOf(settings: RedactionSettings): Rules {
  const known = rulesBySettings.get(settings);
  if (known !== undefined) return known;
  // Contained resources keep their own meta: they carry no labels (dom-4, dom-5).
  const contained = eachBy((rewriting, node) => {
    const { line } = rewriting;
    if (!line.isObject(node)) return false;
    const kind = kindOf(line, node);
    if (kind === 'other') return rules.other(rewriting, node);
    return eachPart(rewriting, node, (_, member) => rules[kind](line, member)(rewriting, member));
  });
  const rules: Rules = {
    claim: compileRule(claimRule(settings, contained)),
    authorization: compileRule(authorizationRule(settings, contained)),
    coverage: compileRule({ ...COVERAGE, contained }),
    other: otherBy(contained),
  };
  rulesBySettings.set(settings, rules);
  return rules;
}

const COVERAGE: Rule = keepAll(
  ...['resourceType', 'id', 'meta', 'implicitRules', 'language', 'extension', 'modifierExtension', 'identifier'],
  ...['status', 'type', 'policyHolder', 'subscriber', 'subscriberId', 'beneficiary', 'dependent', 'relationship'],
  ...['period', 'payor', 'class', 'order', 'network', 'subrogation', 'contract'],
);

/** Any other resource loses money wherever it is; claims and coverages in it pass by their lists. */
function otherBy(contained: Rewrite): Rewrite {
  return (rewriting, node) => {
    const { line } = rewriting;
    const inside = line.memberOf(node, 'contained');
    if (inside === undefined && !mayHoldMoney(rewriting, node)) return true;
    return eachPart(rewriting, node, (_, member) =>
      member === inside ? contained(rewriting, member) : !isMoneyName(line, member) && keep(rewriting, member),
    );
  };
}
