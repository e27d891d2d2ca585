/** A calendar day as days since 1970-01-01. No time zone takes part: the same on every machine. */
export type Day = number;

/** `yyyy-mm-dd` to a Day; undefined when it is no day of the calendar. */
export function parseDay(text: string): Day | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return undefined;
  const day = dayOf(Number(match[1]), Number(match[2]), Number(match[3]));
  return isoDay(day) === text ? day : undefined;
}

/** Days from the civil calendar (H. Hinnant, chrono-compatible date algorithms); month 1 to 12. */
export function dayOf(year: number, month: number, dayOfMonth: number): Day {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + dayOfMonth - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

function civil(day: Day): { year: number; month: number; dayOfMonth: number } {
  const z = day + 719468;
  const era = Math.floor(z / 146097);
  const dayOfEra = z - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfMonth: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
}

export const yearOf = (day: Day): number => civil(day).year;

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** FHIR `date`. */
export function isoDay(day: Day): string {
  const { year, month, dayOfMonth } = civil(day);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(dayOfMonth)}`;
}

/** FHIR `dateTime` or `instant` in UTC, `minutes` after midnight. */
export function isoTime(day: Day, minutes: number): string {
  return `${isoDay(day)}T${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}:00.000Z`;
}

/** Full years of age on a day. */
export function ageOn(birth: Day, day: Day): number {
  const born = civil(birth);
  const now = civil(day);
  const hadBirthday = now.month > born.month || (now.month === born.month && now.dayOfMonth >= born.dayOfMonth);
  return now.year - born.year - (hadBirthday ? 0 : 1);
}

/** The UTC calendar day of a moment. */
export const dayOfDate = (date: Date): Day => Math.floor(date.getTime() / 86_400_000);
