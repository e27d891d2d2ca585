import { IDENTIFIER_KINDS, type NameRow } from './index-rows.ts';

/** Stored with every decision, so that an old one can be understood after the rules have changed. */
export const MATCH_ALGORITHM = 'deterministic-1';

/** Where in the request an identifier stood. */
export type DescribedSource = 'coverage-identifier' | 'subscriber-id' | 'patient-identifier';

/** The person that another payer describes, normalised by the functions the index uses. */
export interface DescribedMember {
  readonly identifiers: readonly {
    readonly source: DescribedSource;
    readonly valueN: string;
    readonly system: string | undefined;
  }[];
  readonly names: readonly NameRow[];
  /** `yyyy-mm-dd`. */
  readonly birthDate: string;
  readonly gender: string | undefined;
  readonly postalCodes: readonly string[];
  /** The suffix of the family member on a shared subscriber id, normalised. */
  readonly dependent: string | undefined;
}

/** A record of the tenant that has one of the identifiers, with one of its names: one row for each pair. */
export interface CandidateRow {
  readonly mk: string;
  readonly memberId: string;
  readonly umb: string;
  readonly kind: number;
  readonly valueN: string;
  readonly system: string;
  readonly dependent: string | null;
  readonly familyN: string;
  readonly givenN: string;
  readonly birthDate: string;
  readonly gender: string | null;
  readonly postalCodes: readonly string[];
}

export interface MatchRules {
  /** Identifier systems the plan knows as its own; a request that names one of them must mean it. */
  readonly knownSystems: readonly string[];
  /** Does a contradicting gender prevent a match? Otherwise it is only noted. */
  readonly genderDecisive: boolean;
}

/** One record (Patient) of the matched person. */
export interface MemberRecord {
  readonly mk: string;
  readonly memberId: string;
}

/** The step of payer-to-payer.md 1.5 after which no candidate was left. For the plan's own record, never for the caller. */
export type NoMatchStep = 'no-identifier' | 'identifier' | 'birth-date' | 'name' | 'gender';

export type MatchResult =
  | {
      readonly kind: 'one';
      readonly umb: string;
      readonly records: readonly MemberRecord[];
      readonly notes: readonly string[];
    }
  | { readonly kind: 'none'; readonly step: NoMatchStep }
  | { readonly kind: 'several'; readonly count: number };

/**
 * Finds the one person whom another payer describes, among the records that share an identifier with the description.
 * Demographics alone never match; an identifier alone never does either. Pure: the order of rows, names and identifiers
 * makes no difference.
 *
 * Source: HRex, operation member-match; payer-to-payer.md 1.5 steps 2 to 7.
 */
export function decideMatch(described: DescribedMember, rows: readonly CandidateRow[], rules: MatchRules): MatchResult {
  if (described.identifiers.length === 0) return { kind: 'none', step: 'no-identifier' };
  const identified = rows.filter((row) =>
    described.identifiers.some((wanted) => identifies(wanted, row, described, rules)),
  );
  if (identified.length === 0) return { kind: 'none', step: 'identifier' };
  const sameDay = identified.filter((row) => row.birthDate === described.birthDate);
  if (sameDay.length === 0) return { kind: 'none', step: 'birth-date' };
  const named = sameDay.filter((row) => described.names.some((name) => sameName(name, row)));
  const byInitial = named.length > 0 ? [] : agreeingInitials(described, sameDay);
  const people = personsOf(named.length > 0 ? named : byInitial);
  if (people.size === 0 || (byInitial.length > 0 && people.size > 1)) return { kind: 'none', step: 'name' };

  const notes: string[] = byInitial.length > 0 ? ['given-name-initial'] : [];
  const contradicts = (row: CandidateRow): boolean => genderContradicts(described.gender, row.gender);
  const agreeing = rules.genderDecisive ? keepPersons(people, (row) => !contradicts(row)) : people;
  if (agreeing.size === 0) return { kind: 'none', step: 'gender' };
  const decided = agreeing.size > 1 ? breakTie(described, agreeing) : agreeing;
  if (decided.size > 1) return { kind: 'several', count: decided.size };
  if (agreeing.size > 1) notes.push('tie-broken-by-postal-code');
  const [[umb, personRows]] = [...decided] as [[string, readonly CandidateRow[]]];
  if (personRows.some(contradicts)) notes.push('gender-contradicts');
  return { kind: 'one', umb, records: recordsOf(personRows), notes };
}

/** Equal value; equal system when the request names one that the plan knows; equal suffix of a family contract. */
function identifies(
  wanted: DescribedMember['identifiers'][number],
  row: CandidateRow,
  described: DescribedMember,
  rules: MatchRules,
): boolean {
  if (wanted.valueN !== row.valueN) return false;
  const known = wanted.system !== undefined && rules.knownSystems.includes(wanted.system);
  if (known && row.system !== '' && row.system !== wanted.system) return false;
  const familyContract = row.kind === IDENTIFIER_KINDS.subscriber;
  return (
    !(familyContract && described.dependent !== undefined && row.dependent !== null) ||
    sameSuffix(described.dependent, row.dependent)
  );
}

/** `01` and `1` are one suffix. */
function sameSuffix(a: string, b: string): boolean {
  return a.replace(/^0+(?=.)/, '') === b.replace(/^0+(?=.)/, '');
}

function sameName(name: NameRow, row: CandidateRow): boolean {
  return name.familyN === row.familyN && name.givenN === row.givenN;
}

/** A given name that is one letter, on either side, counts only together with the postal code (1.5, step 4). */
function agreeingInitials(described: DescribedMember, rows: readonly CandidateRow[]): readonly CandidateRow[] {
  return rows.filter(
    (row) =>
      row.postalCodes.some((postalCode) => described.postalCodes.includes(postalCode)) &&
      described.names.some((name) => name.familyN === row.familyN && initialAgrees(name.givenN, row.givenN)),
  );
}

function initialAgrees(a: string, b: string): boolean {
  const [first, second] = [[...a], [...b]];
  return (first.length === 1 || second.length === 1) && first[0] === second[0];
}

/** Only `male` against `female` contradicts; `other` and `unknown` say nothing. */
function genderContradicts(a: string | undefined, b: string | null): boolean {
  const binary = ['male', 'female'];
  return a !== undefined && b !== null && a !== b && binary.includes(a) && binary.includes(b);
}

type Persons = ReadonlyMap<string, readonly CandidateRow[]>;

function personsOf(rows: readonly CandidateRow[]): Persons {
  return Map.groupBy(rows, (row) => row.umb);
}

function keepPersons(persons: Persons, keep: (row: CandidateRow) => boolean): Persons {
  return personsOf([...persons.values()].flat().filter(keep));
}

/** The postal code decides between people who are otherwise alike, and only if it leaves exactly one (1.5, step 6). */
function breakTie(described: DescribedMember, persons: Persons): Persons {
  const near = keepPersons(persons, (row) => row.postalCodes.some((code) => described.postalCodes.includes(code)));
  return near.size === 1 ? near : persons;
}

function recordsOf(rows: readonly CandidateRow[]): readonly MemberRecord[] {
  const records = new Map(rows.map((row) => [row.memberId, { mk: row.mk, memberId: row.memberId }]));
  return [...records.values()].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
}
