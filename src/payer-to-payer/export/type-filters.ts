import { parseSearchQuery } from '#/fhir/search/parse-query.ts';
import { isSearchRefusal, type SearchRefusalCode } from '#/fhir/search/search-query.ts';
import type { TypeFilter } from './export-job.ts';
import { exportRefusal } from './export-refusals.ts';
import { isExportable } from './exportable-types.ts';

/** Filters of one kick-off. */
export const TYPE_FILTERS_MAX = 100;

/** A filter that `handling=lenient` may leave out. */
interface UnsupportedFilter {
  readonly unsupported: string;
  /** What to refuse otherwise. */
  readonly refusal: Error;
}

/** How a refused search is refused as a filter: what is no search is wrong in every mode, the rest is not supported. */
const KINDS = {
  'search-malformed': 'malformed',
  'search-too-long': 'malformed',
  'search-value-malformed': 'malformed',
  // The name of a type was looked at before.
  'search-type-unknown': 'malformed',
  'search-parameter-unknown': 'unsupported',
  'search-result-parameter': 'unsupported',
  'search-modifier-unsupported': 'unsupported',
} as const satisfies Record<SearchRefusalCode, 'malformed' | 'unsupported'>;

/**
 * Reads the values of `_typeFilter`. Each is a search `Type?...`; several may stand in one value with commas between
 * them. A comma inside a search is not followed by a type and a question mark.
 *
 * A filter that cannot be honoured as a whole takes all filters of its type with it: their type is then not filtered at
 * all, which the note says. To drop one of several would find less than was asked.
 *
 * @param isWanted may resources of the type be in the export?
 * @param bases addresses of the FHIR base, for references in a search
 * @param leaveOut called for each type whose filters are left out; absent: refuse instead
 * @throws Refusal `type-filter-malformed`, `type-filter-unsupported`, `type-filter-outside-types`
 */
export function parseTypeFilters(
  values: readonly string[],
  isWanted: (type: string) => boolean,
  bases: readonly string[],
  leaveOut: ((type: string) => void) | undefined,
): readonly TypeFilter[] {
  const texts = values.flatMap((value) => decodedOnce(value).split(/,(?=[A-Z][A-Za-z]*\?)/));
  if (texts.length > TYPE_FILTERS_MAX) throw exportRefusal('type-filter-malformed', { parameter: '_typeFilter' });
  const filters: TypeFilter[] = [];
  const left = new Set<string>();
  for (const text of texts) {
    const parsed = parseOne(text, isWanted, bases);
    if ('query' in parsed) filters.push(parsed);
    else if (!leaveOut) throw parsed.refusal;
    else left.add(parsed.unsupported);
  }
  for (const type of left) leaveOut?.(type);
  return filters.filter(({ type }) => !left.has(type));
}

/** A search that was encoded as a whole, also where nothing had to be (a POST). */
function decodedOnce(value: string): string {
  if (value.includes('?') || !/%3f/i.test(value)) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function parseOne(
  text: string,
  isWanted: (type: string) => boolean,
  bases: readonly string[],
): TypeFilter | UnsupportedFilter {
  const type = text.slice(0, Math.max(0, text.indexOf('?')));
  const facts = { parameter: '_typeFilter', type };
  if (/^[A-Z][A-Za-z]*$/.test(type) && (!isExportable(type) || !isWanted(type)))
    return { unsupported: type, refusal: exportRefusal('type-filter-outside-types', facts) };
  try {
    parseSearchQuery(text, { bases });
    return { type, query: text };
  } catch (error) {
    if (!isSearchRefusal(error)) throw error;
    const search = error.facts.parameter;
    const shown = search === undefined ? facts : { ...facts, search };
    if (KINDS[error.code] === 'malformed') throw exportRefusal('type-filter-malformed', shown);
    return { unsupported: type, refusal: exportRefusal('type-filter-unsupported', shown) };
  }
}
