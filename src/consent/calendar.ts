/** The parts of a FHIR date or dateTime that may be left out from the right. */
const DATE_TIME =
  /^(?<year>(?!0000)\d{4})(?:-(?<month>\d{2})(?:-(?<day>\d{2})(?:T(?<time>\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(?<zone>Z|[+-]\d{2}:\d{2}))?)?)?$/;
const DAY_MS = 86_400_000;

/** Both ends belong to the span of time that a FHIR dateTime stands for; `end` is its last millisecond. */
export interface Span {
  readonly start: Date;
  readonly end: Date;
}

/**
 * The span of time that a FHIR dateTime stands for: a year, a month, a day of the given time zone, or one second.
 *
 * @param timeZone IANA name; calendar days of a plan are meant where the plan is
 * @returns undefined when it is no dateTime or names a day or hour that does not exist
 *
 * Source: FHIR R4 datatypes, dateTime; payer-to-payer.md 1.6, check 3 (date precision is inclusive).
 */
export function spanOf(dateTime: string, timeZone: string): Span | undefined {
  const parts = DATE_TIME.exec(dateTime)?.groups;
  if (!parts) return undefined;
  const year = Number(parts.year);
  const month = Number(parts.month ?? 1);
  const day = Number(parts.day ?? 1);
  if (!existsInCalendar(year, month, day)) return undefined;
  if (parts.time !== undefined) return instantSpan(parts.time, dateTime);
  const next =
    parts.day !== undefined
      ? startOfDay(year, month, day + 1, timeZone)
      : parts.month !== undefined
        ? startOfDay(year, month + 1, 1, timeZone)
        : startOfDay(year + 1, 1, 1, timeZone);
  return { start: startOfDay(year, month, day, timeZone), end: new Date(next.getTime() - 1) };
}

function instantSpan(time: string, dateTime: string): Span | undefined {
  const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number);
  const start = new Date(dateTime);
  if (hour > 23 || minute > 59 || second >= 60 || Number.isNaN(start.getTime())) return undefined;
  return { start, end: time.includes('.') ? start : new Date(start.getTime() + 999) };
}

function existsInCalendar(year: number, month: number, day: number): boolean {
  const date = utc(year, month, day);
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** The first instant of a calendar day in a zone; where clocks jump over midnight, the first one after the jump. */
function startOfDay(year: number, month: number, day: number, timeZone: string): Date {
  const wall = utc(year, month, day).getTime();
  // No zone is further than 14 hours from UTC, so the day's first instant is within a day of this guess. The offset may
  // change on the way, hence both offsets around it are tried and the earliest that lies in the day is taken.
  const candidates = [wall - DAY_MS, wall + DAY_MS].map((at) => wall - offsetMs(at, timeZone));
  const inside = candidates.filter((at) => at + offsetMs(at, timeZone) >= wall).sort((a, b) => a - b);
  return new Date(inside[0] ?? Math.max(...candidates));
}

/** `Date.UTC` takes years below 100 for 19xx. */
function utc(year: number, month: number, day: number): Date {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What has to be added to UTC to get the wall clock of the zone at that instant. */
function offsetMs(at: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset', year: 'numeric' });
    formats.set(timeZone, format);
  }
  const name = format.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  const offset = /GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?/.exec(name);
  if (!offset) return 0;
  const [, sign, hours, minutes, seconds] = offset;
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0)) * 1000;
  return sign === '-' ? -ms : ms;
}
