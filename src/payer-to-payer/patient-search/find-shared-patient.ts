import type { AccessContext } from '#/authorization/access.ts';
import { discloseLine } from '#/disclosure/disclose-line.ts';
import { objectsIn } from '#/fhir/loose-json.ts';
import { rtOf } from '#/fhir/resource-types.ts';
import { readMemberResource } from '#/fhir/store/read-resources.ts';
import { findByIdentifier } from '#/members/match/find-members.ts';
import type { Database, TenantDatabase } from '#/platform/db/database.ts';
import { type GroupMemberNow, sharedWithClient } from '../groups/groups.ts';
import type { IdentifierToken } from './parse-identifier-search.ts';

export interface FoundPatient {
  readonly id: string;
  readonly umb: string;
  /** The Patient as it may leave. */
  readonly content: string;
}

/**
 * The Patient with this identifier, if a group of the calling client has the member and the consent holds at this
 * moment and the disclosure policy lets the Patient go; otherwise nobody, whether the plan knows the identifier or not (P2P-16). The identifier is the unique member
 * identifier of a match, or one that stands in the Patient itself; it is compared exactly.
 *
 * @returns one Patient for each person, also where a person has several records
 */
export async function findSharedPatients(
  access: AccessContext,
  token: IdentifierToken,
  memberNamespace: string,
  deps: { readonly database: Database; readonly now: Date },
): Promise<readonly FoundPatient[]> {
  const { tenant, client } = access;
  const db = deps.database.tenant(tenant.id);
  const candidates = await findByIdentifier(db, token.value);
  const shared = await sharedWithClient(db, tenant, client, candidates, deps.now);
  const found: FoundPatient[] = [];
  for (const member of shared) {
    if (member.kind !== 'shared' || found.some((patient) => patient.umb === member.umb)) continue;
    const stored = await readPatient(db, member);
    if (stored === undefined || !hasIdentifier(stored, member.umb, memberNamespace, token)) continue;
    const disclosed = discloseLine(Buffer.from(stored), {
      accessType: 'payer-to-payer',
      consentPolicy: member.policy,
      now: deps.now,
      tenant: tenant.settings,
    });
    if ('line' in disclosed)
      found.push({ id: member.memberId, umb: member.umb, content: disclosed.line.toString('utf8') });
  }
  return found;
}

async function readPatient(db: TenantDatabase, member: GroupMemberNow): Promise<string | undefined> {
  const patient = await readMemberResource(db, member.memberId, rtOf('Patient'), member.memberId);
  return patient && !patient.deleted ? patient.content : undefined;
}

function hasIdentifier(content: string, umb: string, memberNamespace: string, token: IdentifierToken): boolean {
  const identifiers = [...objectsIn(JSON.parse(content).identifier), { system: memberNamespace, value: umb }];
  return identifiers.some(
    (identifier) =>
      identifier.value === token.value && (token.system === undefined || (identifier.system ?? '') === token.system),
  );
}
