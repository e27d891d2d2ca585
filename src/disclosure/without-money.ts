import { eachMember, elementsOf, isArray, isObject } from './json-text.ts';

/** Codes and signs of currencies that a Quantity may carry as unit or code. */
const CURRENCY = /^(?:[A-Z]{2}\$|\$|USD|US Dollars?|dollars?|cents?|EUR|GBP|CAD|MXN|AUD|CHF|CNY|JPY)$/i;
/** Something in a value that could make it money; only then it is looked into. */
const SUSPECT =
  /"valueMoney"|"currency"|iso:4217|"(?:unit|code)":"(?:[A-Za-z]{2}\\?\$|\$|\\u0024|USD|US Dollar|dollar|cent|EUR|GBP|CAD|MXN|AUD|CHF|CNY|JPY)/i;

export const mayHoldMoney = (text: string): boolean => SUSPECT.test(text);

/**
 * A value without any Money or currency Quantity in it, at any depth: the element that holds one goes, an extension as
 * a whole. Undefined when nothing is left. A value without such a thing comes back as it is, unread.
 *
 * Source: payer-to-payer.md 6.1, 6.3 step 6.
 */
export function withoutMoney(value: string): string | undefined {
  return mayHoldMoney(value) ? strip(value) : value;
}

function strip(value: string): string | undefined {
  if (isArray(value)) {
    const kept = elementsOf(value).flatMap((element) => strip(element) ?? []);
    return kept.length === 0 ? undefined : `[${kept.join(',')}]`;
  }
  if (!isObject(value)) return value;
  if (isAmount(value)) return undefined;
  let kept = '';
  let lost = false;
  let url: string | undefined;
  eachMember(value, 0, (key, member) => {
    if (key === 'url') url = member;
    const rest = key === 'valueMoney' ? undefined : strip(member);
    if (rest === undefined) lost = true;
    else kept += `${kept === '' ? '' : ','}"${key}":${rest}`;
  });
  // An extension that lost its value, or the last of its parts, says nothing any more.
  if (kept === '' || (lost && url !== undefined && kept === `"url":${url}`)) return undefined;
  return `{${kept}}`;
}

/** A Money, or a Quantity in a currency. */
function isAmount(object: string): boolean {
  let amount = false;
  eachMember(object, 0, (key, member) => {
    if (key === 'currency') amount = true;
    else if (key === 'system' && member.includes('iso:4217')) amount = true;
    else if ((key === 'unit' || key === 'code') && isCurrency(member)) amount = object.includes('"value"') || amount;
  });
  return amount;
}

function isCurrency(member: string): boolean {
  if (member.charCodeAt(0) !== 0x22) return false;
  const text = member.includes('\\') ? (JSON.parse(member) as string) : member.slice(1, -1);
  return CURRENCY.test(text);
}
