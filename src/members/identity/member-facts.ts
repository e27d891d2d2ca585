import { isFullDate } from '../match/index-rows.ts';
import { normaliseIdentifier, normaliseName, normalisePostalCode } from '../match/normalise.ts';

/** What a person types to show who he or she is; nothing else is ever asked (PA-18, PA-31). */
export interface TypedFacts {
  readonly firstName: string;
  readonly lastName: string;
  readonly birthMonth: string;
  readonly birthDay: string;
  readonly birthYear: string;
  readonly memberId: string;
  readonly postalCode: string;
}

export type FactField = keyof TypedFacts;

/** The same, ready to be compared with the member index. */
export interface MemberFacts {
  readonly givenN: string;
  readonly familyN: string;
  /** `yyyy-mm-dd` */
  readonly birthDate: string;
  readonly memberIdN: string;
  /** The five digits of a ZIP code. */
  readonly postalCode: string;
}

/** Why a field cannot be used. None of them says anything about a member. */
export type FactProblem = 'missing' | 'not-a-date' | 'not-a-postal-code' | 'unreadable';

export type FactProblems = Partial<Record<FactField, FactProblem>>;

const OLDEST_BIRTH_YEAR = 1870;

/**
 * Reads the five facts. The birth date is Month, Day and Year in digits; the month may also be written out as a number with a
 * leading zero. A postal code is five digits or nine.
 *
 * @param today `yyyy-mm-dd` in the plan's time zone: nobody is born later
 */
export function parseMemberFacts(
  typed: TypedFacts,
  today: string,
):
  | { readonly kind: 'facts'; readonly facts: MemberFacts }
  | { readonly kind: 'problems'; readonly problems: FactProblems } {
  const problems: Partial<Record<FactField, FactProblem>> = {};
  for (const [field, value] of Object.entries(typed) as [FactField, string][])
    if (value.trim() === '') problems[field] = 'missing';

  const givenN = normaliseName(firstWord(typed.firstName));
  const familyN = normaliseName(typed.lastName);
  const memberIdN = normaliseIdentifier(typed.memberId);
  if (givenN === '') problems.firstName ??= 'unreadable';
  if (familyN === '') problems.lastName ??= 'unreadable';
  if (memberIdN === '') problems.memberId ??= 'unreadable';

  const birthDate = birthDateOf(typed);
  const isDate = isFullDate(birthDate) && birthDate <= today && Number(typed.birthYear) >= OLDEST_BIRTH_YEAR;
  const hasDate = !problems.birthMonth && !problems.birthDay && !problems.birthYear;
  if (hasDate && !isDate) problems[wrongPart(typed)] = 'not-a-date';

  const digits = typed.postalCode.replace(/[\s-]/g, '');
  if (!/^(\d{5}|\d{9})$/.test(digits)) problems.postalCode ??= 'not-a-postal-code';

  if (Object.keys(problems).length > 0) return { kind: 'problems', problems };
  return {
    kind: 'facts',
    facts: { givenN, familyN, birthDate, memberIdN, postalCode: normalisePostalCode(digits).slice(0, 5) },
  };
}

/** The first given name: further ones are often left out of one of two places. A double name with a hyphen is one word. */
function firstWord(name: string): string {
  return name.trim().split(/\s+/)[0] ?? '';
}

function birthDateOf({ birthYear, birthMonth, birthDay }: TypedFacts): string {
  const part = (text: string, digits: number): string =>
    /^\d+$/.test(text.trim()) ? text.trim().padStart(digits, '0') : 'x';
  return `${part(birthYear, 4)}-${part(birthMonth, 2)}-${part(birthDay, 2)}`;
}

/** The part that a message is put at. */
function wrongPart({ birthMonth, birthDay, birthYear }: TypedFacts): FactField {
  const between = (text: string, low: number, high: number): boolean =>
    /^\d{1,4}$/.test(text.trim()) && Number(text) >= low && Number(text) <= high;
  if (!between(birthMonth, 1, 12)) return 'birthMonth';
  if (!between(birthDay, 1, 31)) return 'birthDay';
  return between(birthYear, OLDEST_BIRTH_YEAR, 9999) ? 'birthDay' : 'birthYear';
}
