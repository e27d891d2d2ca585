/** Generational suffixes that one plan writes into the family name and another leaves out (payer-to-payer.md 1.5). */
const SUFFIXES = new Set(['JR', 'SR', 'II', 'III', 'IV']);

/** Longer values are neither indexed nor looked up: no card carries one, and an index entry has to fit its page. */
export const NORMALISED_LENGTH_MAX = 150;

const MARKS = /\p{M}/gu;
const WORD_BREAK = /[^\p{L}\p{N}]+/u;
const SPACES_HYPHENS_CONTROLS = /[\s\p{Z}\p{Pd}\p{C}]+/gu;

/**
 * A name as it is compared: compatibility forms decomposed, diacritics dropped, upper case, letters and digits only,
 * generational suffixes left out (unless the name is nothing else). `O’Brien-Núñez, Jr.` and `obrien nunez` are equal.
 * The index and every query go through this one function.
 *
 * @returns '' when nothing is left to compare, or when the name is longer than `NORMALISED_LENGTH_MAX`
 */
export function normaliseName(name: string): string {
  const words = upperWithoutMarks(name)
    .split(WORD_BREAK)
    .filter((word) => word !== '');
  const kept = words.filter((word) => !SUFFIXES.has(word));
  return withinBound((kept.length > 0 ? kept : words).join(''));
}

/**
 * An identifier as it is compared: upper case, without spaces and hyphens of any kind. Other punctuation stays, because
 * it may be what tells two numbers apart.
 *
 * @returns '' when nothing is left to compare, or when the identifier is longer than `NORMALISED_LENGTH_MAX`
 */
export function normaliseIdentifier(value: string): string {
  return withinBound(value.normalize('NFKC').toUpperCase().normalize('NFKC').replace(SPACES_HYPHENS_CONTROLS, ''));
}

/** The part of a postal code that is compared: the five digits of a ZIP code, otherwise all of it without spaces. */
export function normalisePostalCode(postalCode: string): string {
  const compact = normaliseIdentifier(postalCode);
  return /^\d{9}$/.test(compact) ? compact.slice(0, 5) : compact;
}

function upperWithoutMarks(text: string): string {
  // Upper-casing can bring marks back (ŉ, ΐ), so they are dropped after it too.
  return text.normalize('NFKD').replace(MARKS, '').toUpperCase().normalize('NFKD').replace(MARKS, '');
}

function withinBound(text: string): string {
  return text.length > NORMALISED_LENGTH_MAX ? '' : text;
}
