import { hasElement } from '#/fhir/search/elements.ts';
import type { AssociatedData, Narrowing } from './export-job.ts';
import { exportRefusal } from './export-refusals.ts';
import { EXPORTABLE_TYPES, isExportable } from './exportable-types.ts';
import type { RawParameter } from './raw-parameters.ts';
import { parseTypeFilters } from './type-filters.ts';

/** What a kick-off asks for, checked. */
export interface ExportWish {
  /** In the caller's order, each once. Absent: every type that may leave. Empty: all that was named was left out. */
  readonly types: readonly string[] | undefined;
  /** Only resources with `changed_at` later than this. */
  readonly since: Date | undefined;
  /** Only resources with `changed_at` earlier than this. */
  readonly until: Date | undefined;
  readonly narrowing: Narrowing;
  /** What `handling=lenient` made us leave out; each becomes a line of the error file. */
  readonly ignored: readonly IgnoredParameter[];
}

export interface IgnoredParameter {
  readonly parameter: string;
  /** The value left out, where it is the name of a type, an element or a code; never free text. */
  readonly value?: string;
}

export interface ParseOptions {
  readonly lenient: boolean;
  /** Addresses of the FHIR base: references below them are ours. */
  readonly bases: readonly string[];
}

/** Bounds what one kick-off may name (bytes of a query are bounded by the server). */
export const PARAMETERS_MAX = 1_000;

const OUTPUT_FORMATS: ReadonlySet<string> = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson']);
const INSTANT =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))T((?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60))(\.\d{1,9})?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;
const SERVED: ReadonlySet<string> = new Set([
  '_outputFormat',
  '_since',
  '_until',
  '_type',
  '_typeFilter',
  '_elements',
  'patient',
  'includeAssociatedData',
  'allowPartialManifests',
]);
const ASSOCIATED_DATA: readonly string[] = [
  'LatestProvenanceResources',
  'RelevantProvenanceResources',
] satisfies AssociatedData[];
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

export const isServed = (parameter: string): boolean => SERVED.has(parameter);

/**
 * Checks the parameters of a kick-off (payer-to-payer.md 3.1). Whatever we do not serve is refused, or with `lenient`
 * left out and reported; nothing is silently ignored (P2P-24).
 *
 * @throws Refusal `parameter-unsupported`, `parameter-repeated`, `parameter-malformed`, `too-many-parameters`,
 *   `output-format-unsupported`, `since-not-an-instant`, `until-not-an-instant`, `type-not-exported`,
 *   `type-filter-malformed`, `type-filter-unsupported`, `type-filter-outside-types`, `element-unknown`,
 *   `associated-data-unsupported`
 */
export function parseExportParameters(
  parameters: readonly RawParameter[],
  { lenient, bases }: ParseOptions,
): ExportWish {
  if (parameters.length > PARAMETERS_MAX) throw exportRefusal('too-many-parameters', { max: PARAMETERS_MAX });
  const ignored: IgnoredParameter[] = [];
  /** Refuses what is not supported, or notes that it was left out. */
  const leaveOut = (refusal: () => Error, entry: IgnoredParameter): void => {
    if (!lenient) throw refusal();
    const { parameter } = entry;
    const shown = entry.value !== undefined && NAME.test(entry.value) ? entry.value : undefined;
    if (!ignored.some((known) => known.parameter === parameter && known.value === shown))
      ignored.push(shown === undefined ? { parameter } : { parameter, value: shown });
  };
  const unsupported = (parameter: string): void =>
    leaveOut(() => exportRefusal('parameter-unsupported', { parameter }), { parameter });

  // In an address a list of members has no place (Bulk Data 2): `patient` comes in a body.
  for (const { name, from } of parameters)
    if (!isServed(name) || (name === 'patient' && from === 'query')) unsupported(name);

  const format = onlyValue(parameters, '_outputFormat');
  if (format !== undefined && !OUTPUT_FORMATS.has(format.toLowerCase()))
    throw exportRefusal('output-format-unsupported', { parameter: '_outputFormat' });

  const partial = onlyValue(parameters, 'allowPartialManifests');
  if (partial !== undefined && partial !== 'true' && partial !== 'false')
    throw exportRefusal('parameter-malformed', { parameter: 'allowPartialManifests' });
  if (partial === 'true') unsupported('allowPartialManifests');

  const since = onlyValue(parameters, '_since');
  const until = onlyValue(parameters, '_until');
  const types = parseTypes(parameters, leaveOut);
  const associatedData = parseAssociatedData(parameters, leaveOut);
  const isWanted = (type: string): boolean =>
    types === undefined || types.includes(type) || (type === 'Provenance' && associatedData !== undefined);
  return {
    since: since === undefined ? undefined : parseInstant(since, '_since'),
    until: until === undefined ? undefined : parseInstant(until, '_until'),
    types,
    narrowing: {
      typeFilters: parseTypeFilters(
        valuesOf(parameters, '_typeFilter'),
        isWanted,
        bases,
        lenient ? (type) => leaveOut(() => new Error('lenient'), { parameter: '_typeFilter', value: type }) : undefined,
      ),
      elements: parseElements(parameters, leaveOut),
      patients: parsePatients(parameters, bases),
      associatedData,
    },
    ignored,
  };
}

type LeaveOut = (refusal: () => Error, entry: IgnoredParameter) => void;

const valuesOf = (parameters: readonly RawParameter[], name: string): readonly string[] =>
  parameters.filter((parameter) => parameter.name === name).map(({ value }) => value);

/** Repeated and comma-separated values are one list. */
const listOf = (parameters: readonly RawParameter[], name: string): readonly string[] =>
  valuesOf(parameters, name).flatMap((value) => value.split(',').map((one) => one.trim()));

function onlyValue(parameters: readonly RawParameter[], name: string): string | undefined {
  const values = valuesOf(parameters, name);
  if (values.length > 1) throw exportRefusal('parameter-repeated', { parameter: name });
  return values[0];
}

function parseTypes(parameters: readonly RawParameter[], leaveOut: LeaveOut): readonly string[] | undefined {
  const given = listOf(parameters, '_type');
  if (given.length === 0) return undefined;
  const types = new Set<string>();
  for (const type of given) {
    if (isExportable(type)) types.add(type);
    else
      leaveOut(() => exportRefusal('type-not-exported', { parameter: '_type', type }), {
        parameter: '_type',
        value: type,
      });
  }
  return [...types];
}

/** `element` or `Type.element`, root elements only. What no exported type has is a mistake, and told. */
function parseElements(parameters: readonly RawParameter[], leaveOut: LeaveOut): readonly string[] {
  const elements = new Set<string>();
  for (const name of listOf(parameters, '_elements')) {
    const [first = '', element, ...deeper] = name.split('.');
    const isKnown =
      deeper.length === 0 &&
      (element === undefined
        ? EXPORTABLE_TYPES.some((type) => hasElement(type, first))
        : isExportable(first) && hasElement(first, element));
    if (isKnown) elements.add(name);
    else
      leaveOut(() => exportRefusal('element-unknown', { parameter: '_elements', type: name }), {
        parameter: '_elements',
        value: name,
      });
  }
  return [...elements];
}

/** Of several values the least restrictive counts (Bulk Data 2, includeAssociatedData). */
function parseAssociatedData(parameters: readonly RawParameter[], leaveOut: LeaveOut): AssociatedData | undefined {
  const given = listOf(parameters, 'includeAssociatedData');
  for (const value of given) {
    if (!ASSOCIATED_DATA.includes(value))
      leaveOut(
        () => exportRefusal('associated-data-unsupported', { parameter: 'includeAssociatedData', type: value }),
        { parameter: 'includeAssociatedData', value },
      );
  }
  if (given.includes('RelevantProvenanceResources')) return 'RelevantProvenanceResources';
  return given.includes('LatestProvenanceResources') ? 'LatestProvenanceResources' : undefined;
}

/**
 * The ids of `patient`; whether they are members of the group is not known here.
 *
 * @throws Refusal `parameter-malformed` for what is no reference to a Patient of ours
 */
function parsePatients(parameters: readonly RawParameter[], bases: readonly string[]): readonly string[] | undefined {
  const given = parameters.filter(({ name, from }) => name === 'patient' && from === 'body');
  if (given.length === 0) return undefined;
  const ids = given.map(({ value }) => {
    const base = bases.find((address) => value.startsWith(`${address}/`));
    const local = base === undefined ? value : value.slice(base.length + 1);
    const id = /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(local)?.[1];
    if (id === undefined) throw exportRefusal('parameter-malformed', { parameter: 'patient' });
    return id;
  });
  return [...new Set(ids)];
}

/**
 * A FHIR instant: date, time to the second at least, and zone. Digits beyond milliseconds can only include more: they are
 * dropped from the lower bound, and round the upper one up.
 *
 * @throws Refusal `since-not-an-instant`, `until-not-an-instant`, also for a day that the calendar does not have
 */
export function parseInstant(text: string, parameter: '_since' | '_until'): Date {
  const refusal = () =>
    exportRefusal(parameter === '_since' ? 'since-not-an-instant' : 'until-not-an-instant', { parameter });
  const match = INSTANT.exec(text);
  if (!match) throw refusal();
  const [, day = '', time = '', fraction = '', zone = ''] = match;
  // A leap second is the second after :59 here, as for every clock we can compare it with.
  const leap = time.endsWith(':60');
  const date = new Date(`${day}T${leap ? time.replace(/60$/, '59') : time}${fraction.slice(0, 4)}${zone}`);
  const isRealDay = new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
  if (Number.isNaN(date.getTime()) || !isRealDay) throw refusal();
  const up = parameter === '_until' && /[1-9]/.test(fraction.slice(4)) ? 1 : 0;
  return new Date(date.getTime() + (leap ? 1000 : 0) + up);
}
