import { compileSearch } from '#/fhir/search/compile-search.ts';
import { compileElements } from '#/fhir/search/elements.ts';
import { parseSearchQuery } from '#/fhir/search/parse-query.ts';
import type { SliceWork } from './slice-work.ts';

/** What becomes of a line that may leave: it stays behind when no filter finds it, else it goes, as a whole or cut. */
export type LineSelection = (line: Buffer) => Buffer | undefined;

/**
 * The filters and elements that the kick-off named for a type.
 *
 * Filters look at the line as it leaves, after policy and redaction: nobody can ask for what is withheld and learn from the
 * answer that it is there.
 *
 * @returns undefined when all lines of the type leave as they are; then nothing is parsed
 */
export function selectionOf(
  { deps, tenant, job }: Pick<SliceWork, 'deps' | 'tenant' | 'job'>,
  type: string,
): LineSelection | undefined {
  const { typeFilters, elements } = job.narrowing;
  const bases = [deps.tenants.fhirBase(tenant), deps.tenants.bulkBase(tenant)];
  const filters = typeFilters
    .filter((filter) => filter.type === type)
    .map(({ query }) => compileSearch(parseSearchQuery(query, { bases }), job.transactionTime!));
  const cut = cutOf(type, elements);
  if (filters.length === 0 && !cut) return undefined;
  return (line) => {
    const text = line.toString('utf8');
    if (filters.length > 0) {
      const resource = JSON.parse(text);
      if (!filters.some((finds) => finds(resource))) return undefined;
    }
    return cut ? Buffer.from(cut(text)) : line;
  };
}

/** A type that no element is named for stays whole: `Patient.birthDate` says nothing about observations. */
function cutOf(type: string, elements: readonly string[]): ((text: string) => string) | undefined {
  const names = elements.flatMap((name) => {
    const [first = '', element] = name.split('.');
    return element === undefined ? [first] : first === type ? [element] : [];
  });
  return names.length === 0 ? undefined : compileElements(type, names);
}
