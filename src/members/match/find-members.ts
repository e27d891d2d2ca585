import type { TenantDatabase } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { decideIdentity, type IdentityDecision } from '../identity/decide-identity.ts';
import type { MemberFacts } from '../identity/member-facts.ts';
import { type DescribedMember, decideMatch, type MatchResult, type MemberRecord } from './decide-match.ts';
import { IDENTIFIER_KINDS } from './index-rows.ts';
import { selectByIdentifier, selectCandidates, selectUmbs } from './match-store.ts';
import { normaliseIdentifier } from './normalise.ts';

/** What so many rows share ("UNKNOWN", "0000") is no identifier: it identifies nobody. */
const CANDIDATE_ROWS_MAX = 1_000;

/** A record of a member, and the person it stands for. */
export interface FoundRecord extends MemberRecord {
  readonly umb: string;
}

/**
 * Finds the one member whom another payer describes. The work is the same whichever step leaves nobody: the caller can
 * read nothing from the time it takes. `records` of a match are all records of the person, also those that the
 * description did not name.
 *
 * Source: HRex, operation member-match; payer-to-payer.md 1.5.
 */
export async function matchMember(
  db: TenantDatabase,
  tenant: Tenant,
  memberNamespace: string,
  described: DescribedMember,
): Promise<MatchResult> {
  const values = [...new Set(described.identifiers.map((identifier) => identifier.valueN))];
  const rows = await selectCandidates(db, values, CANDIDATE_ROWS_MAX);
  const result = decideMatch(described, rows.length < CANDIDATE_ROWS_MAX ? rows : [], {
    knownSystems: [...tenant.settings.memberIdSystems, memberNamespace],
    genderDecisive: tenant.settings.genderDecisive,
  });
  const person = await findPerson(db, result.kind === 'one' ? result.umb : '');
  return result.kind === 'one' ? { ...result, records: primaryFirst(person, result.records) } : result;
}

/**
 * The one person whom the five facts of the identity page describe. The work is the same whichever fact is wrong.
 *
 * Source: patient-access.md 1.4.
 */
export async function findByFacts(db: TenantDatabase, facts: MemberFacts): Promise<IdentityDecision> {
  const rows = await selectCandidates(db, [facts.memberIdN], CANDIDATE_ROWS_MAX);
  const decision = decideIdentity(facts, rows.length < CANDIDATE_ROWS_MAX ? rows : []);
  const person = await findPerson(db, decision.kind === 'one' ? decision.umb : '');
  return decision.kind === 'one' ? { ...decision, records: primaryFirst(person, decision.records) } : decision;
}

/** The records of the person with this unique member identifier; none when nobody has it. */
export async function findPerson(db: TenantDatabase, umb: string): Promise<readonly FoundRecord[]> {
  const rows = await selectByIdentifier(db, [IDENTIFIER_KINDS.umb], normaliseIdentifier(umb));
  return rows.filter((row) => row.value === umb).map((row) => ({ mk: row.mk, memberId: row.memberId, umb }));
}

/**
 * The people whom an operator may mean by a word: the id of a Patient, a unique member identifier, a member id, a
 * subscriber id. A shared subscriber id means several people.
 *
 * @returns for each person all records
 */
export async function findByAnyId(db: TenantDatabase, word: string): Promise<readonly (readonly FoundRecord[])[]> {
  const kinds = [IDENTIFIER_KINDS.umb, IDENTIFIER_KINDS.member, IDENTIFIER_KINDS.subscriber, IDENTIFIER_KINDS.other];
  const rows = await selectByIdentifier(db, kinds, normaliseIdentifier(word));
  const byPatientId = await findPatients(db, [word]);
  const found =
    byPatientId.length > 0
      ? byPatientId
      : await findPatients(
          db,
          rows.map((row) => row.memberId),
        );
  return Promise.all([...new Set(found.map((record) => record.umb))].map((umb) => findPerson(db, umb)));
}

/** All records of whoever has this identifier in the Patient, or as the unique member identifier; in any writing. */
export async function findByIdentifier(db: TenantDatabase, value: string): Promise<readonly FoundRecord[]> {
  const { umb, formerUmb, member, other } = IDENTIFIER_KINDS;
  const kinds = [umb, formerUmb, member, other];
  const rows = await selectByIdentifier(db, kinds, normaliseIdentifier(value));
  return findPatients(
    db,
    rows.map((row) => row.memberId),
  );
}

/** The Patients with these ids; ids that are no Patient of the tenant are left out. */
export async function findPatients(db: TenantDatabase, patientIds: readonly string[]): Promise<readonly FoundRecord[]> {
  const rows = await selectUmbs(db, patientIds);
  return rows.map((row) => ({ mk: row.mk, memberId: row.memberId, umb: row.value }));
}

/** The record whose id the description led to comes first: it is the one that is answered as MemberId. */
function primaryFirst(person: readonly FoundRecord[], named: readonly MemberRecord[]): readonly MemberRecord[] {
  const isNamed = (record: MemberRecord): boolean => named.some((one) => one.memberId === record.memberId);
  return person.toSorted((a, b) => Number(isNamed(b)) - Number(isNamed(a)) || (a.memberId < b.memberId ? -1 : 1));
}
