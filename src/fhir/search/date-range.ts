/** A FHIR date, dateTime, instant or Period as a closed range of instants, ISO in UTC. */
export interface DateRange {
  readonly lo: string | undefined;
  readonly hi: string | undefined;
}

const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** The ranges of dates seen lately: a claim names the same few days again and again, and every date is asked for twice. */
const seen = new Map<string, DateRange>();
const SEEN_MAX = 8_000;

/** A partial date is the whole of its day, month or year; a missing zone is UTC (patient-access.md 3.6). */
export function rangeOfDate(text: unknown): DateRange | undefined {
  if (typeof text !== 'string') return undefined;
  const known = seen.get(text);
  if (known) return known;
  const range = parseRange(text);
  if (!range) return undefined;
  if (seen.size >= SEEN_MAX) seen.clear();
  seen.set(text, range);
  return range;
}

function parseRange(text: string): DateRange | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour] = match;
  if (hour !== undefined) {
    const zoned = match[8] === undefined ? `${text}Z` : text;
    const at = Date.parse(zoned);
    if (Number.isNaN(at)) return undefined;
    const precision = match[6] === undefined ? 60_000 : match[7] === undefined ? 1_000 : 1;
    return { lo: new Date(at).toISOString(), hi: new Date(at + precision - 1).toISOString() };
  }
  const lo = Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1));
  const next =
    day !== undefined
      ? lo + 86_400_000
      : month !== undefined
        ? Date.UTC(Number(year), Number(month), 1)
        : Date.UTC(Number(year) + 1, 0, 1);
  if (Number.isNaN(lo) || Number(year) < 1) return undefined;
  return { lo: isoOf(lo, year), hi: isoOf(next - 1, year) };
}

/** An open side of a Period is undefined: it has no bound. */
export function rangeOfPeriod(period: unknown): DateRange | undefined {
  if (typeof period !== 'object' || period === null) return undefined;
  const { start, end } = period as Record<string, unknown>;
  const lo = rangeOfDate(start)?.lo;
  const hi = rangeOfDate(end)?.hi;
  return lo === undefined && hi === undefined ? undefined : { lo, hi };
}

/** The whole span of a Timing: its events, and the bounds of its repetition. */
export function rangeOfTiming(timing: unknown): DateRange | undefined {
  const { event, repeat } = (timing ?? {}) as { readonly event?: unknown; readonly repeat?: unknown };
  const bounds = rangeOfPeriod((repeat as { readonly boundsPeriod?: unknown } | null | undefined)?.boundsPeriod);
  const ranges = (Array.isArray(event) ? event : []).flatMap((one) => rangeOfDate(one) ?? []);
  if (bounds) ranges.push(bounds);
  if (ranges.length === 0) return undefined;
  const open = (side: 'lo' | 'hi'): boolean => ranges.some((range) => range[side] === undefined);
  return {
    lo: open('lo') ? undefined : ranges.map(({ lo }) => lo!).sort()[0],
    hi: open('hi')
      ? undefined
      : ranges
          .map(({ hi }) => hi!)
          .sort()
          .at(-1),
  };
}

/** Date.UTC takes years below 100 for 19xx. */
function isoOf(milliseconds: number, year: string | undefined): string {
  const date = new Date(milliseconds);
  if (Number(year) < 100) date.setUTCFullYear(date.getUTCFullYear() - 1900);
  return date.toISOString();
}

const DAY_MS = 86_400_000;
/** What `ap` leaves open of the distance between a date and now: R4 recommends a tenth. */
const APPROXIMATE = 0.1;

/** How far from a date `ap` still finds, in milliseconds; a day at least (patient-access.md 3.6). */
export function approximateReach(milliseconds: number, now: Date): number {
  return Math.max(DAY_MS, APPROXIMATE * Math.abs(now.getTime() - milliseconds));
}
