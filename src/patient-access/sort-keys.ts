import { SEPARATOR } from '#/fhir/search/search-keys.ts';
import type { CandidateRow } from '#/fhir/store/search-rows.ts';
import type { SortKey } from './search-request.ts';

/** What a row is ordered by: one value for each key; null is last, whatever the direction. */
export type SortValue = string | number | null;

/** A row's place in an order, which a cursor can hold. */
export interface SortedPlace {
  readonly values: readonly SortValue[];
  readonly id: string;
}

/**
 * The values of a row for the keys of `_sort`, from the columns that searches compare with: the first of several in the
 * direction of the key.
 */
export function placeOf(row: CandidateRow, keys: readonly SortKey[]): SortedPlace {
  return {
    id: row.id,
    values: keys.map(({ parameter, descending }) => {
      const values = valuesOf(row, parameter.code, parameter.type, descending);
      return values.reduce<SortValue>(
        (best, value) => (best === null || (descending ? value > best : value < best) ? value : best),
        null,
      );
    }),
  };
}

function valuesOf(row: CandidateRow, code: string, type: string, descending: boolean): readonly (string | number)[] {
  if (code === '_id') return [row.id];
  if (code === '_lastUpdated') return [row.lastUpdated.toISOString()];
  switch (type) {
    case 'token': {
      const start = [code, '*', ''].join(SEPARATOR);
      return row.tokens.flatMap((token) => (token.startsWith(start) ? [token.slice(start.length)] : []));
    }
    case 'reference':
      return row.refs.flatMap((ref) => (ref.startsWith(`${code}>`) ? [ref.slice(code.length + 1)] : []));
    case 'date':
      // An open side is before, or after, everything.
      return listOf(row.extra[code]).map((range) => {
        const [lo, hi] = range as readonly [string | null, string | null];
        return descending ? (hi ?? '~') : (lo ?? '');
      });
    case 'quantity':
      return listOf(row.extra[code]).map((quantity) => (quantity as readonly [number])[0]);
    case 'string':
      return listOf(row.extra[code]).flatMap((words) =>
        (Array.isArray(words) ? words : [words]).map((word) => String(word).normalize('NFKD').toLowerCase()),
      );
    default:
      return listOf(row.extra[code]) as readonly (string | number)[];
  }
}

const listOf = (value: readonly unknown[] | undefined): readonly unknown[] => value ?? [];

/** The order of `_sort`; equal rows by id, so that it is the same each time. */
export function comparePlaces(keys: readonly Pick<SortKey, 'descending'>[]) {
  return (a: SortedPlace, b: SortedPlace): number => {
    for (const [i, { descending }] of keys.entries()) {
      const order = compareValues(a.values[i] ?? null, b.values[i] ?? null, descending);
      if (order !== 0) return order;
    }
    return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
  };
}

function compareValues(a: SortValue, b: SortValue, descending: boolean): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b === descending ? 1 : -1;
}
