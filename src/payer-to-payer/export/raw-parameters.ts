import { exportRefusal } from './export-refusals.ts';

/** One name and value as sent, from the query or from a `Parameters` body. */
export interface RawParameter {
  readonly name: string;
  /** The text of the value; of a Reference, its `reference`. */
  readonly value: string;
  readonly from: 'query' | 'body';
}

/** In a value of these no space can occur: one that is there was a plus sign that nobody escaped. */
const WITHOUT_SPACES: ReadonlySet<string> = new Set(['_outputFormat', '_since', '_until']);

/** Parameters of the query string. */
export function parametersOfQuery(query: Readonly<Record<string, unknown>>): readonly RawParameter[] {
  return Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => ({
      name,
      value: WITHOUT_SPACES.has(name) ? String(one).trim().replace(' ', '+') : String(one),
      from: 'query' as const,
    })),
  );
}

/**
 * Parameters of a POST body. A value of any simple type is read as text; the parameter itself decides whether the text
 * will do.
 *
 * @param body the parsed JSON; undefined or null when the request had none
 * @param isServed is this a parameter whose value is read? What is not served is refused as such, whatever its value is
 * @throws Refusal `body-not-parameters`, `parameter-malformed`
 */
export function parametersOfBody(body: unknown, isServed: (name: string) => boolean): readonly RawParameter[] {
  if (body === undefined || body === null) return [];
  if (!isRecord(body) || body.resourceType !== 'Parameters') throw exportRefusal('body-not-parameters');
  const list = body.parameter ?? [];
  if (!Array.isArray(list)) throw exportRefusal('body-not-parameters');
  return list.map((entry: unknown) => {
    if (!isRecord(entry) || typeof entry.name !== 'string' || entry.name === '')
      throw exportRefusal('body-not-parameters');
    const values = Object.entries(entry).filter(([key]) => key.startsWith('value'));
    const text = values.length === 1 ? textOf(entry.name, ...values[0]!) : undefined;
    if (isServed(entry.name) && text === undefined)
      throw exportRefusal('parameter-malformed', { parameter: entry.name });
    return { name: entry.name, value: text ?? '', from: 'body' as const };
  });
}

function textOf(name: string, key: string, value: unknown): string | undefined {
  if (name === 'patient')
    return key === 'valueReference' && isRecord(value) && typeof value.reference === 'string'
      ? value.reference
      : undefined;
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
    ? String(value)
    : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
