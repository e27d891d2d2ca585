import type { Outline } from './json-outline.ts';
import { eachPart, type Rewriting } from './rewriting.ts';

/** Codes and signs of currencies that a Quantity may carry as unit or code. */
const CURRENCY = /^(?:[A-Z]{2}\$|\$|USD|US Dollars?|dollars?|cents?|EUR|GBP|CAD|MXN|AUD|CHF|CNY|JPY)$/i;
/** A unit longer than any of them, escapes included (`\u0024` for the sign). */
const CURRENCY_BYTES_MAX = 6 * 'US Dollars'.length + 2;
/** How they begin, in either case; most codes of a claim begin otherwise, so that no text has to be made of them. */
const BEGINNINGS = new Uint8Array(256);
for (const sign of 'aAcCdDeEgGjJmMuU$ ') BEGINNINGS[sign.charCodeAt(0)] = 1;
const DOLLAR = 0x24;

/**
 * Is there a name in a value, at any depth, that makes something money? Only then it is looked into. Of a Quantity that is its
 * `value`, when a unit or code of a currency stands somewhere too: codes alone are everywhere.
 */
export function mayHoldMoney(rewriting: Rewriting, node: number): boolean {
  const { line } = rewriting;
  const { key, start } = line;
  const last = line.next[node]!;
  let hasValue = false;
  for (let inner = node + 1; inner < last; inner++) {
    // Lengths first: most names are none of these. An element has no key, and only near the beginning such a length.
    switch (start[inner]! - key[inner]! - 3) {
      case 5:
        hasValue ||= line.keyIs(inner, 'value');
        break;
      case 6:
        if (rewriting.namesCurrencySystem && line.keyIs(inner, 'system') && isCurrencySystem(rewriting, inner))
          return true;
        break;
      case 8:
        if (line.keyIs(inner, 'currency')) return true;
        break;
      case 10:
        if (line.keyIs(inner, 'valueMoney')) return true;
    }
  }
  return hasValue && namesCurrency(rewriting, node);
}

function namesCurrency(rewriting: Rewriting, node: number): boolean {
  const { line } = rewriting;
  const last = line.next[node]!;
  for (let inner = node + 1; inner < last; inner++)
    if (isUnit(rewriting, inner) && isCurrency(rewriting, inner)) return true;
  return false;
}

/** Is this the name of a member that only money has? */
export const isMoneyName = (line: Outline, member: number): boolean =>
  line.keyIs(member, 'valueMoney') || line.keyIs(member, 'currency');

function isUnit({ line }: Rewriting, member: number): boolean {
  return line.keyLength(member) === 4 && (line.keyIs(member, 'unit') || line.keyIs(member, 'code'));
}

/**
 * A value without any Money or currency Quantity in it, at any depth: the element that holds one goes, an extension as
 * a whole. False when nothing is left. What holds none stays as it is.
 *
 * Source: payer-to-payer.md 6.1, 6.3 step 6.
 */
export function withoutMoney(rewriting: Rewriting, node: number): boolean {
  const { line } = rewriting;
  const isEmpty = line.next[node] === node + 1;
  if (isEmpty) return true;
  if (line.isArray(node)) return eachPart(rewriting, node, withoutMoney);
  if (!line.isObject(node)) return true;
  if (isAmount(rewriting, node)) return false;
  let kept = 0;
  let keepsUrl = false;
  let lost = false;
  const stays = eachPart(rewriting, node, (_, member) => {
    if (line.keyIs(member, 'valueMoney') || !withoutMoney(rewriting, member)) {
      lost = true;
      return false;
    }
    kept++;
    if (line.keyIs(member, 'url')) keepsUrl = true;
    return true;
  });
  // An extension that lost its value, or the last of its parts, says nothing any more.
  return stays && !(lost && keepsUrl && kept === 1);
}

/** A Money, or a Quantity in a currency. */
function isAmount(rewriting: Rewriting, object: number): boolean {
  const { line } = rewriting;
  const last = line.next[object]!;
  let isInCurrency = false;
  for (let member = object + 1; member < last; member = line.next[member]!) {
    if (line.keyIs(member, 'currency')) return true;
    if (line.keyIs(member, 'system') && isCurrencySystem(rewriting, member)) return true;
    if (isUnit(rewriting, member) && isCurrency(rewriting, member)) isInCurrency = true;
  }
  return isInCurrency && line.memberOf(object, 'value') !== undefined;
}

function isCurrencySystem({ line }: Rewriting, member: number): boolean {
  return line.stringOf(member)?.includes('iso:4217') === true;
}

function isCurrency({ line }: Rewriting, member: number): boolean {
  const from = line.start[member]!;
  if (line.end[member]! - from > CURRENCY_BYTES_MAX) return false;
  // Behind the quote: one of the beginnings, or two letters before a dollar sign. Escapes may hide either.
  const mayBe = line.hasEscapes || BEGINNINGS[line.bytes[from + 1]!] === 1 || line.bytes[from + 3] === DOLLAR;
  const text = mayBe ? line.stringOf(member) : undefined;
  return text !== undefined && CURRENCY.test(text.trim());
}
