import type { Found } from './compile-expression.ts';
import { approximateReach, type DateRange, rangeOfDate, rangeOfPeriod, rangeOfTiming } from './date-range.ts';
import type { DateValue, NumberValue, Prefix, QuantityValue } from './search-query.ts';

/** What a resource says, as a closed range; a point is a range of itself. */
interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** Of the distance or the value itself, what `ap` leaves open: R4 recommends a tenth. */
const APPROXIMATE = 0.1;

/**
 * A date of the resource against a date of the query, both as ranges: a day is all its milliseconds, a Period without an
 * end goes on.
 *
 * Source: FHIR R4 search 3.1.1.4.7 and the table of prefixes in 3.1.1.4.5
 */
export function matchDate(value: DateValue, now: Date): (found: Found) => boolean {
  const reach = approximateReach(value.lo, now);
  return (found) => {
    const range = datesOf(found);
    return range !== undefined && compare(value.prefix, range, value, reach);
  };
}

function datesOf({ value, type }: Found): Range | undefined {
  const range: DateRange | undefined =
    type === 'Period' ? rangeOfPeriod(value) : type === 'Timing' ? rangeOfTiming(value) : rangeOfDate(value);
  return (
    range && {
      lo: range.lo === undefined ? Number.NEGATIVE_INFINITY : Date.parse(range.lo),
      hi: range.hi === undefined ? Number.POSITIVE_INFINITY : Date.parse(range.hi),
    }
  );
}

function compare(prefix: Prefix, found: Range, asked: Range, reach: number): boolean {
  const contained = asked.lo <= found.lo && found.hi <= asked.hi;
  switch (prefix) {
    case 'eq':
      return contained;
    case 'ne':
      return !contained;
    case 'gt':
      return found.hi > asked.hi;
    case 'lt':
      return found.lo < asked.lo;
    case 'ge':
      return found.hi > asked.hi || contained;
    case 'le':
      return found.lo < asked.lo || contained;
    case 'sa':
      return found.lo > asked.hi;
    case 'eb':
      return found.hi < asked.lo;
    case 'ap':
      return found.hi >= asked.lo - reach && found.lo <= asked.hi + reach;
    default:
      return prefix satisfies never;
  }
}

/**
 * Numbers: `eq` and `ne` know how precisely the query was written, the other prefixes take it as exact.
 *
 * Source: FHIR R4 search 3.1.1.4.6
 */
export function matchNumber(value: NumberValue): (found: Found) => boolean {
  return (found) => {
    const range = typeof found.value === 'number' ? { lo: found.value, hi: found.value } : rangeIn(found);
    return range !== undefined && holds(value, range);
  };
}

function holds({ prefix, number, lo, hi }: NumberValue, found: Range): boolean {
  // Of sixteen digits on, half of the last one is less than a double tells apart.
  const same = found.lo === number && found.hi === number;
  const within = same || (found.lo >= lo && found.hi < hi);
  if (prefix === 'eq') return within;
  if (prefix === 'ne') return !within;
  const exact = { lo: number, hi: number };
  return compare(prefix, found, exact, APPROXIMATE * Math.abs(number));
}

/** A Quantity of the resource, or a Range of it; a unit is compared as it is written, never converted. */
export function matchQuantity(value: QuantityValue): (found: Found) => boolean {
  return (found) => {
    const range = rangeIn(found);
    return range !== undefined && holds(value, range) && unitsOf(found).some((unit) => hasUnit(unit, value));
  };
}

interface QuantityLike {
  readonly value?: unknown;
  readonly comparator?: unknown;
  readonly system?: unknown;
  readonly code?: unknown;
  readonly unit?: unknown;
  readonly currency?: unknown;
}

function rangeIn({ value, type }: Found): Range | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (type !== 'Range') return rangeOfQuantity(value as QuantityLike);
  const { low, high } = value as { readonly low?: QuantityLike; readonly high?: QuantityLike };
  const from = low && rangeOfQuantity(low);
  const to = high && rangeOfQuantity(high);
  return from || to ? { lo: from?.lo ?? Number.NEGATIVE_INFINITY, hi: to?.hi ?? Number.POSITIVE_INFINITY } : undefined;
}

function rangeOfQuantity({ value, comparator }: QuantityLike): Range | undefined {
  if (typeof value !== 'number') return undefined;
  const isBelow = comparator === '<' || comparator === '<=';
  const isAbove = comparator === '>' || comparator === '>=';
  return {
    lo: isBelow ? Number.NEGATIVE_INFINITY : value,
    hi: isAbove ? Number.POSITIVE_INFINITY : value,
  };
}

function unitsOf({ value, type }: Found): readonly QuantityLike[] {
  if (type !== 'Range') return [value as QuantityLike];
  const { low, high } = value as { readonly low?: QuantityLike; readonly high?: QuantityLike };
  return [low, high].filter((side) => side !== undefined);
}

function hasUnit(quantity: QuantityLike, { system, unit }: QuantityValue): boolean {
  if (unit === undefined) return true;
  if (system !== undefined) return quantity.system === system && quantity.code === unit;
  return quantity.code === unit || quantity.unit === unit || quantity.currency === unit;
}
