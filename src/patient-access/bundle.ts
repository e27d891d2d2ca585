import { randomUUID } from 'node:crypto';
import { operationOutcome } from '#/fhir/outcome.ts';
import { typeOf } from '#/fhir/resource-types.ts';
import type { FoundRow } from '#/fhir/store/search-rows.ts';
import type { Pair } from './search-request.ts';

export interface BundleParts {
  readonly now: Date;
  readonly total: number | undefined;
  readonly links: readonly { readonly relation: 'self' | 'next'; readonly url: string }[];
  readonly entries: readonly string[];
}

/**
 * A Bundle as text: stored resources go in as they are stored, never parsed (storage.md 4). Without entries there is no
 * `entry` at all.
 *
 * Source: FHIR R4 bundle.html; patient-access.md 3.4.
 */
export function renderBundle(type: 'searchset' | 'history', { now, total, links, entries }: BundleParts): string {
  const head = `{"resourceType":"Bundle","id":"${randomUUID()}","meta":{"lastUpdated":"${now.toISOString()}"},"type":"${type}"`;
  const count = total === undefined ? '' : `,"total":${total}`;
  const entry = entries.length === 0 ? '' : `,"entry":[${entries.join(',')}]`;
  return `${head}${count},"link":${JSON.stringify(links)}${entry}}`;
}

/**
 * @param base the FHIR base without a slash at its end
 * @param content the resource as it goes out
 */
export function searchEntry(base: string, row: Pick<FoundRow, 'kind' | 'rt' | 'id'>, content: string): string {
  // Ids have letters, digits, dots and hyphens: nothing to escape.
  return `{"fullUrl":"${base}/${typeOf(row.rt)}/${row.id}","resource":${content},"search":{"mode":"${row.kind}"}}`;
}

/** What a caller should know of an answer, beside it. */
export function outcomeEntry(text: string): string {
  const resource = operationOutcome({ severity: 'warning', code: 'incomplete', text });
  return JSON.stringify({ resource, search: { mode: 'outcome' } });
}

/** The parameters of a link; what may stand in an address as it is, does. */
export function renderQuery(pairs: readonly Pair[]): string {
  const query = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
  return query === '' ? '' : `?${query}`;
}

const encode = (text: string): string => encodeURIComponent(text).replace(/%(2C|2F|3A|24)/g, decodeURIComponent);
