import { isDate } from '../validate/dates.ts';
import { rangeOfDate } from './date-range.ts';
import {
  type DateValue,
  type NumberValue,
  PREFIXES,
  type Prefix,
  type QuantityValue,
  type ReferenceValue,
  type TokenValue,
} from './search-query.ts';

/**
 * The values of search parameters by their type. Each returns undefined for what is no value of the type; the caller
 * knows which parameter it stood in.
 *
 * Source: FHIR R4 search, https://hl7.org/fhir/R4/search.html#ptypes
 */

/** Cuts at a separator that is not escaped; escapes stay. */
export function splitUnescaped(text: string, separator: string): readonly string[] {
  const parts = [''];
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '\\' && i + 1 < text.length) parts[parts.length - 1] += char + text[++i];
    else if (char === separator) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

/** `\,` `\|` `\$` and `\\` stand for the character itself; another backslash is a backslash. */
export const withoutEscapes = (text: string): string => text.replace(/\\([,|$\\])/g, '$1');

export function parseToken(text: string): TokenValue | undefined {
  const parts = splitUnescaped(text, '|').map(withoutEscapes);
  const [first = '', second] = parts;
  if (parts.length > 2) return undefined;
  if (second === undefined) return first === '' ? undefined : { system: undefined, code: first };
  if (first === '' && second === '') return undefined;
  return { system: first, code: second === '' ? undefined : second };
}

const LOCAL = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
const ID = /^[A-Za-z0-9.-]{1,64}$/;

/**
 * @param type what a `:Type` modifier says; then the value is an id
 * @param bases addresses of the server's own FHIR base, without a slash at the end: below them a reference is local
 */
export function parseReference(
  text: string,
  type: string | undefined,
  bases: readonly string[],
): ReferenceValue | undefined {
  const plain = withoutEscapes(text);
  if (ID.test(plain)) return { kind: 'local', type, id: plain };
  const base = bases.find((address) => plain.startsWith(`${address}/`));
  const local = LOCAL.exec(base === undefined ? plain : plain.slice(base.length + 1));
  if (local)
    return type === undefined || type === local[1] ? { kind: 'local', type: local[1], id: local[2]! } : undefined;
  return type === undefined && /^[a-z][a-z0-9+.-]*:\S+$/i.test(plain) ? { kind: 'absolute', url: plain } : undefined;
}

function prefixOf(text: string): readonly [Prefix, string] {
  const prefix = PREFIXES.find((one) => text.startsWith(one));
  return prefix ? [prefix, text.slice(2)] : ['eq', text];
}

const TIME =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d:[0-5]\d|1[0-3]:[0-5]\d|14:00))?$/;

/**
 * A date or a point in time of any precision. A missing zone is UTC. The plus of a zone that was read as a space is a
 * plus.
 */
export function parseDate(text: string): DateValue | undefined {
  const [prefix, rest] = prefixOf(text);
  const date = rest.replace(' ', '+');
  const time = TIME.exec(date);
  if (!isDate(time ? time[1]! : date)) return undefined;
  const range = rangeOfDate(date);
  return range?.lo && range.hi ? { prefix, lo: Date.parse(range.lo), hi: Date.parse(range.hi) } : undefined;
}

const NUMBER = /^([+-]?)(\d{1,18})(?:\.(\d{1,18}))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * A number and what its digits stand for: 100 is [99.5, 100.5), 100.00 is [99.995, 100.005), 1e2 is [95, 105), as R4 has
 * it.
 */
export function parseNumber(text: string): NumberValue | undefined {
  const [prefix, rest] = prefixOf(text);
  const match = NUMBER.exec(rest.replace(/^ /, '+'));
  if (!match) return undefined;
  const [, , , decimals = '', exponent] = match;
  const number = Number(rest.replace(/^ /, ''));
  const lastDigit = Number(exponent ?? 0) - decimals.length - (exponent === undefined ? 0 : 1);
  const half = 0.5 * 10 ** lastDigit;
  return Number.isFinite(number) ? { prefix, number, lo: number - half, hi: number + half } : undefined;
}

/** `[prefix]number`, `number|system|code`, `number||unit`. */
export function parseQuantity(text: string): QuantityValue | undefined {
  const [first = '', system = '', unit = '', ...more] = splitUnescaped(text, '|').map(withoutEscapes);
  const number = parseNumber(first);
  if (!number || more.length > 0 || (system !== '' && unit === '')) return undefined;
  return { ...number, system: system === '' ? undefined : system, unit: unit === '' ? undefined : unit };
}
