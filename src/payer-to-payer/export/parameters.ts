import { exportRefusal } from './export-refusals.ts';
import { isExportable } from './exportable-types.ts';

/** What a kick-off asks for, checked. */
export interface ExportWish {
  /** In the caller's order, each once. Absent: every type that may leave. Empty: all that was named was left out. */
  readonly types: readonly string[] | undefined;
  /** Only resources with `changed_at` later than this. */
  readonly since: Date | undefined;
  /** What `handling=lenient` made us leave out; each becomes a line of the error file. */
  readonly ignored: readonly IgnoredParameter[];
}

export interface IgnoredParameter {
  readonly parameter: string;
  /** The value left out, where it is a type name; never free text. */
  readonly value?: string;
}

/** One name and value as sent, from the query or from a `Parameters` body. */
export interface RawParameter {
  readonly name: string;
  readonly value: string;
}

/** Bounds what one kick-off may name (bytes of a query are bounded by the server). */
export const PARAMETERS_MAX = 200;

const OUTPUT_FORMATS: ReadonlySet<string> = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson']);
const INSTANT =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))T((?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60))(\.\d{1,9})?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

/**
 * Parameters of the query string. A plus sign that a client forgot to escape arrives as a space; where a value cannot
 * contain a space (`_outputFormat`, `_since`) it is read as the plus sign it was.
 */
export function parametersOfQuery(query: Readonly<Record<string, unknown>>): readonly RawParameter[] {
  return Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => ({
      name,
      value: name === '_outputFormat' || name === '_since' ? String(one).trim().replace(' ', '+') : String(one),
    })),
  );
}

/**
 * Parameters of a POST body. Every value type is read as text; the parameter itself decides whether the text will do.
 *
 * @param body the parsed JSON; undefined or null when the request had none
 * @throws Refusal `body-not-parameters`, `parameter-malformed`
 */
export function parametersOfBody(body: unknown): readonly RawParameter[] {
  if (body === undefined || body === null) return [];
  if (!isRecord(body) || body.resourceType !== 'Parameters') throw exportRefusal('body-not-parameters');
  const list = body.parameter ?? [];
  if (!Array.isArray(list)) throw exportRefusal('body-not-parameters');
  return list.map((entry: unknown) => {
    if (!isRecord(entry) || typeof entry.name !== 'string' || entry.name === '')
      throw exportRefusal('body-not-parameters');
    const values = Object.entries(entry).filter(([key]) => key.startsWith('value'));
    const value = values[0]?.[1];
    // A parameter that we do not serve is refused as such, whatever its value is.
    const isScalar = typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number';
    if (SERVED.has(entry.name) && (values.length !== 1 || !isScalar))
      throw exportRefusal('parameter-malformed', { parameter: entry.name });
    return { name: entry.name, value: isScalar ? String(value) : '' };
  });
}

const SERVED: ReadonlySet<string> = new Set(['_outputFormat', '_since', '_type', 'allowPartialManifests']);

/**
 * Checks the parameters of a kick-off (payer-to-payer.md 3.1). Whatever we do not serve is refused, or with `lenient`
 * left out and reported; nothing is silently ignored (P2P-24).
 *
 * @throws Refusal `parameter-unsupported`, `parameter-repeated`, `parameter-malformed`, `output-format-unsupported`,
 *   `since-not-an-instant`, `type-not-exported`
 */
export function parseExportParameters(parameters: readonly RawParameter[], lenient: boolean): ExportWish {
  if (parameters.length > PARAMETERS_MAX) throw exportRefusal('parameter-repeated', { max: PARAMETERS_MAX });
  const ignored: IgnoredParameter[] = [];
  const ignore = (entry: IgnoredParameter): void => {
    const known = ignored.some(({ parameter, value }) => parameter === entry.parameter && value === entry.value);
    if (!known) ignored.push(entry);
  };

  for (const { name } of parameters) {
    if (SERVED.has(name)) continue;
    if (!lenient) throw exportRefusal('parameter-unsupported', { parameter: name });
    ignore({ parameter: name });
  }

  const format = onlyValue(parameters, '_outputFormat');
  if (format !== undefined && !OUTPUT_FORMATS.has(format.toLowerCase()))
    throw exportRefusal('output-format-unsupported', { parameter: '_outputFormat' });

  const partial = onlyValue(parameters, 'allowPartialManifests');
  if (partial !== undefined && partial !== 'true' && partial !== 'false')
    throw exportRefusal('parameter-malformed', { parameter: 'allowPartialManifests' });
  if (partial === 'true') {
    if (!lenient) throw exportRefusal('parameter-unsupported', { parameter: 'allowPartialManifests' });
    ignore({ parameter: 'allowPartialManifests' });
  }

  const since = onlyValue(parameters, '_since');
  return {
    since: since === undefined ? undefined : parseInstant(since),
    types: parseTypes(parameters, lenient, ignore),
    ignored,
  };
}

function onlyValue(parameters: readonly RawParameter[], name: string): string | undefined {
  const values = parameters.filter((parameter) => parameter.name === name);
  if (values.length > 1) throw exportRefusal('parameter-repeated', { parameter: name });
  return values[0]?.value;
}

function parseTypes(
  parameters: readonly RawParameter[],
  lenient: boolean,
  ignore: (entry: IgnoredParameter) => void,
): readonly string[] | undefined {
  const given = parameters.filter(({ name }) => name === '_type');
  if (given.length === 0) return undefined;
  const types = new Set<string>();
  for (const type of given.flatMap(({ value }) => value.split(',')).map((name) => name.trim())) {
    if (isExportable(type)) types.add(type);
    else if (lenient)
      ignore(/^[A-Z][A-Za-z]{0,63}$/.test(type) ? { parameter: '_type', value: type } : { parameter: '_type' });
    else throw exportRefusal('type-not-exported', { parameter: '_type', type });
  }
  return [...types];
}

/**
 * A FHIR instant: date, time to the second at least, and zone. Digits beyond milliseconds are dropped, which can only
 * include more.
 *
 * @throws Refusal `since-not-an-instant`, also for a day that the calendar does not have
 */
export function parseInstant(text: string): Date {
  const match = INSTANT.exec(text);
  if (!match) throw exportRefusal('since-not-an-instant', { parameter: '_since' });
  const [, day = '', time = '', fraction = '', zone = ''] = match;
  // A leap second is the second after :59 here, as for every clock we can compare it with.
  const leap = time.endsWith(':60');
  const date = new Date(`${day}T${leap ? time.replace(/60$/, '59') : time}${fraction.slice(0, 4)}${zone}`);
  const isRealDay = new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
  if (Number.isNaN(date.getTime()) || !isRealDay) throw exportRefusal('since-not-an-instant', { parameter: '_since' });
  return leap ? new Date(date.getTime() + 1000) : date;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
