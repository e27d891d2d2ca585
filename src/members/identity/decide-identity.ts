import type { CandidateRow, MemberRecord } from '../match/decide-match.ts';
import { IDENTIFIER_KINDS, type IdentifierKind } from '../match/index-rows.ts';
import type { MemberFacts } from './member-facts.ts';

/**
 * Numbers that may stand on a member's card: many plans send them without the type MB, and numbers of authorities and hospitals
 * are not in the index. A subscriber id is a family's, and the unique member identifier is on no card.
 */
const CARD_NUMBERS: ReadonlySet<IdentifierKind> = new Set([
  IDENTIFIER_KINDS.member,
  IDENTIFIER_KINDS.coverage,
  IDENTIFIER_KINDS.other,
]);

export type IdentityDecision =
  | { readonly kind: 'one'; readonly umb: string; readonly records: readonly MemberRecord[] }
  | { readonly kind: 'none' };

/**
 * The one person whom the five facts describe. All five must agree, of one record; of the names any one that the plan has,
 * former ones too, and of the addresses any one. Several persons are none: whoever asks learns no more than that.
 *
 * Source: patient-access.md 1.4, matching rules.
 */
export function decideIdentity(facts: MemberFacts, candidates: readonly CandidateRow[]): IdentityDecision {
  const matching = candidates.filter(
    (row) =>
      CARD_NUMBERS.has(row.kind as IdentifierKind) &&
      row.valueN === facts.memberIdN &&
      row.birthDate === facts.birthDate &&
      row.familyN === facts.familyN &&
      row.givenN === facts.givenN &&
      row.postalCodes.some((postalCode) => postalCode.slice(0, 5) === facts.postalCode),
  );
  const [umb, ...others] = new Set(matching.map((row) => row.umb));
  if (umb === undefined || others.length > 0) return { kind: 'none' };
  const records = new Map(matching.map(({ mk, memberId }) => [memberId, { mk, memberId }]));
  return { kind: 'one', umb, records: [...records.values()].sort((a, b) => (a.memberId < b.memberId ? -1 : 1)) };
}
