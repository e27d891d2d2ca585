import { type RecordedEvent, readEventsOf, readKickOffsOf, readTokenIssues } from '#/audit/audit-log.ts';
import { type KeptConsent, readKeptConsent } from '#/consent/consents.ts';
import { type Attestation, readAttestation } from '#/onboarding/attestations.ts';
import type { Database, TenantDatabase } from '#/platform/db/database.ts';
import { type KeptMatch, readCoverageToLink, readMatchRecord } from '../member-match/match-records.ts';

/** How a caller proved who it is: the credential that its token was got with. */
export interface SignIn {
  readonly tokenId: string;
  readonly issuedAt: Date;
  /** `client_secret_basic`, `client_secret_post` or `private_key_jwt`. */
  readonly method: string;
  /** The `kid` of its key, or the number of its secret. */
  readonly credential: string;
  readonly scope: string;
  readonly address: string | undefined;
}

/** An export of the group that a match yielded. */
export interface ExportEvidence {
  readonly kickOff: RecordedEvent;
  readonly signIn: SignIn | undefined;
  /** What was done with it since: its end, each file that was read, its deletion. */
  readonly events: readonly RecordedEvent[];
}

/** All that tells why a request was answered as it was. */
export interface Evidence {
  readonly match: KeptMatch;
  /** Endpoint, address and what else the audit record says of the request. */
  readonly event: RecordedEvent | undefined;
  readonly signIn: SignIn | undefined;
  /** What the caller's organization had attested by then. */
  readonly attestation: Attestation | undefined;
  readonly consent: KeptConsent | undefined;
  readonly coverageToLink: string | undefined;
  readonly exports: readonly ExportEvidence[];
}

/**
 * Gathers the evidence of a match request and of the exports that came of it: who asked and by which credential, what the
 * other plan attested (its Consent and CoverageToLink as they were sent, its standing attestation), what was decided, and
 * what left. It outlasts the group, the job and its files.
 *
 * @returns undefined when the plan has no such match record
 *
 * Source: CMS-0057-F; payer-to-payer.md 9 (C7); P2P-77.
 */
export async function gatherEvidence(
  database: Database,
  db: TenantDatabase,
  matchId: string,
): Promise<Evidence | undefined> {
  const match = await readMatchRecord(db, matchId);
  if (!match) return undefined;
  const subjects = [match.id, ...(match.group_id === null ? [] : [match.group_id])];
  const events = await readEventsOf(db, subjects, ['match.accepted', 'match.refused']);
  const kickOffs = match.group_id === null ? [] : await readKickOffsOf(db, match.group_id);
  const signIns = await readSignIns(database, db, [match.token_id, ...kickOffs.map(({ tokenId }) => tokenId)]);
  const jobs = kickOffs.flatMap(({ subject }) => subject ?? []);
  const after = await readEventsOf(db, jobs, ['export.complete', 'export.file.read', 'export.delete']);
  return {
    match,
    event: events.find(({ requestId }) => requestId === match.request_id),
    signIn: signIns.get(match.token_id ?? ''),
    attestation:
      match.organization === null
        ? undefined
        : await readAttestation(database.platform, match.organization, match.asked_at),
    consent: match.consent_id === null ? undefined : await readKeptConsent(db, match.consent_id),
    coverageToLink: await readCoverageToLink(db, match.id),
    exports: kickOffs.map((kickOff) => ({
      kickOff,
      signIn: signIns.get(kickOff.tokenId ?? ''),
      events: after.filter(({ subject }) => subject === kickOff.subject),
    })),
  };
}

/** A token is of the tenant's own issuer or of the platform's; each keeps the record of what it issued. */
async function readSignIns(
  database: Database,
  db: TenantDatabase,
  tokenIds: readonly (string | null | undefined)[],
): Promise<ReadonlyMap<string, SignIn>> {
  const ids = [...new Set(tokenIds.filter((id): id is string => typeof id === 'string'))];
  const issues = [...(await readTokenIssues(db, ids)), ...(await readTokenIssues(database.platform, ids))];
  return new Map(
    issues.map(({ tokenId = '', at, address, facts }) => [
      tokenId,
      {
        tokenId,
        issuedAt: at,
        method: String(facts.method ?? ''),
        credential: String(facts.kid ?? facts.secret ?? ''),
        scope: String(facts.scope ?? ''),
        address,
      },
    ]),
  );
}
