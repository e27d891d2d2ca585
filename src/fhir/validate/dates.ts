/** FHIR R4 date and time forms: https://hl7.org/fhir/R4/datatypes.html#dateTime (its regexes, and days that exist). */
const YEAR = '(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)';
const DAY = `${YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])`;
const CLOCK = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?';
const ZONE = '(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))';

const DATE = new RegExp(`^(?:${DAY}|${YEAR}(?:-(?:0[1-9]|1[0-2]))?)$`);
const DATE_TIME = new RegExp(`^(?:${DAY}(?:T${CLOCK}${ZONE})?|${YEAR}(?:-(?:0[1-9]|1[0-2]))?)$`);
const INSTANT = new RegExp(`^${DAY}T${CLOCK}${ZONE}$`);
const TIME = new RegExp(`^${CLOCK}$`);

export function isDate(text: string): boolean {
  return DATE.test(text) && dayExists(text);
}

export function isDateTime(text: string): boolean {
  return DATE_TIME.test(text) && dayExists(text);
}

export function isInstant(text: string): boolean {
  return INSTANT.test(text) && dayExists(text);
}

export function isTime(text: string): boolean {
  return TIME.test(text);
}

const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** 30 February has the form of a date and is none. The form must have been checked. */
function dayExists(text: string): boolean {
  // Only days from 29 on can fail; the tens digit of the day is at 8.
  if (text.length < 10 || text.charCodeAt(8) < 50 /* '2' */) return true;
  const day = Number(text.slice(8, 10));
  if (day < 29) return true;
  const month = Number(text.slice(5, 7));
  if (month !== 2) return day <= DAYS_OF_MONTH[month - 1]!;
  const year = Number(text.slice(0, 4));
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (isLeap ? 29 : 28);
}

const DAY_MS = 86_400_000;

/**
 * Is the first certainly later than the second? Partial dates are compared as far as both go, as FHIRPath compares
 * them; a day beside a point in time may differ by the time zone, so one day apart is not certain.
 *
 * @param first a valid date or dateTime, like `second`
 */
export function isCertainlyAfter(first: string, second: string): boolean {
  const firstHasTime = first.length > 10;
  const secondHasTime = second.length > 10;
  if (firstHasTime && secondHasTime) return Date.parse(first) > Date.parse(second);
  if (firstHasTime !== secondHasTime) {
    const [a, b] = [first.slice(0, 10), second.slice(0, 10)];
    if (a.length === 10 && b.length === 10) return Date.parse(a) - Date.parse(b) > DAY_MS;
    // A year or a month beside a point in time: the zone can only matter at the turn of it.
    const common = Math.min(a.length, b.length);
    return Number(a.slice(0, 4)) > Number(b.slice(0, 4)) + 1 && common >= 4;
  }
  const common = Math.min(first.length, second.length);
  return first.slice(0, common) > second.slice(0, common);
}
