import type { Queryable } from '#/platform/db/database.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

export type Decision = 'accepted' | 'no-match' | 'multiple-matches' | 'wrong-payer' | 'consent';

export interface MatchRecord {
  readonly id: string;
  readonly client: string;
  readonly organization: string | undefined;
  readonly askedAt: Date;
  readonly requestHash: Buffer;
  readonly decision: Decision;
  readonly reason: string | undefined;
  readonly algorithm: string;
  readonly notes: readonly string[];
  readonly requestId: string;
  readonly tokenId: string;
  readonly member?: {
    readonly mk: string;
    readonly memberId: string;
    readonly umb: string;
    readonly consentId: string | undefined;
    readonly groupId: string | undefined;
  };
}

/** Held until the transaction ends. The names are hashed to the 64 bits that PostgreSQL locks by. */
export async function lock(db: Queryable, names: readonly string[]): Promise<void> {
  await db.query(`select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest($1::text[]) name`, [names]);
}

export async function selectAttempts(
  db: TenantQueryable,
  client: string,
  persons: readonly Buffer[],
  since: Date,
): Promise<readonly { person_hash: Buffer; identifier_hash: Buffer; tried_at: Date }[]> {
  const result = await db.query<{ person_hash: Buffer; identifier_hash: Buffer; tried_at: Date }>(
    `select person_hash, identifier_hash, tried_at from match_attempt
      where tenant_id = $1 and client = $2 and person_hash = any($3::bytea[]) and tried_at > $4`,
    [db.tenantId, client, persons, since],
  );
  return result.rows;
}

/** An identifier counts from the first time it was tried. */
export async function insertAttempts(
  db: TenantQueryable,
  client: string,
  persons: readonly Buffer[],
  identifiers: readonly Buffer[],
  at: Date,
): Promise<void> {
  await db.query(
    `insert into match_attempt (tenant_id, client, person_hash, identifier_hash, tried_at)
     select $1, $2, p, i, $5 from unnest($3::bytea[]) p cross join unnest($4::bytea[]) i
     on conflict do nothing`,
    [db.tenantId, client, persons, identifiers, at],
  );
}

/** What no longer counts of these persons goes, so that an identifier tried again is counted anew. */
export async function deleteEndedAttempts(
  db: TenantQueryable,
  client: string,
  persons: readonly Buffer[],
  before: Date,
): Promise<void> {
  await db.query(
    `delete from match_attempt where tenant_id = $1 and client = $2 and person_hash = any($3::bytea[]) and tried_at <= $4`,
    [db.tenantId, client, persons, before],
  );
}

/**
 * What no longer counts of anybody goes, a few rows at a time. It is a statement of its own: it waits for nobody and
 * holds its rows no longer than itself, so it cannot deadlock with requests.
 */
export async function sweepAttempts(db: TenantQueryable, before: Date): Promise<void> {
  await db.query(
    `delete from match_attempt a using (
        select client, person_hash, identifier_hash from match_attempt
         where tenant_id = $1 and tried_at <= $2 order by tried_at limit 200 for update skip locked) old
      where a.tenant_id = $1 and a.client = old.client and a.person_hash = old.person_hash
        and a.identifier_hash = old.identifier_hash`,
    [db.tenantId, before],
  );
}

/** When the client's latest failed matches were, oldest first; at most `limit`. */
export async function selectFailures(
  db: TenantQueryable,
  client: string,
  since: Date,
  limit: number,
): Promise<readonly Date[]> {
  const result = await db.query<{ asked_at: Date }>(
    `select asked_at from match_request
      where tenant_id = $1 and client = $2 and decision in ('no-match', 'multiple-matches') and asked_at > $3
      order by asked_at desc limit $4`,
    [db.tenantId, client, since, limit],
  );
  return result.rows.map((row) => row.asked_at).reverse();
}

export async function insertMatchRecord(db: TenantQueryable, record: MatchRecord): Promise<void> {
  await db.query(
    `insert into match_request (tenant_id, id, client, organization, asked_at, request_hash, decision, reason, algorithm,
                                notes, mk, member_id, umb, consent_id, group_id, request_id, token_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    [
      db.tenantId,
      record.id,
      record.client,
      record.organization ?? null,
      record.askedAt,
      record.requestHash,
      record.decision,
      record.reason ?? null,
      record.algorithm,
      record.notes,
      record.member?.mk ?? null,
      record.member?.memberId ?? null,
      record.member?.umb ?? null,
      record.member?.consentId ?? null,
      record.member?.groupId ?? null,
      record.requestId,
      record.tokenId,
    ],
  );
}

/** A match record as it is kept. */
export interface KeptMatch {
  readonly id: string;
  readonly client: string;
  readonly organization: string | null;
  readonly asked_at: Date;
  readonly request_hash: Buffer;
  readonly decision: Decision;
  readonly reason: string | null;
  readonly algorithm: string;
  readonly notes: readonly string[];
  readonly member_id: string | null;
  readonly umb: string | null;
  readonly consent_id: string | null;
  readonly group_id: string | null;
  readonly request_id: string | null;
  readonly token_id: string | null;
}

const KEPT = `id, client, organization, asked_at, request_hash, decision, reason, algorithm, notes, member_id, umb, consent_id,
              group_id, request_id, token_id`;

export async function selectMatch(db: TenantQueryable, id: string): Promise<KeptMatch | undefined> {
  const result = await db.query<KeptMatch>(`select ${KEPT} from match_request where tenant_id = $1 and id = $2`, [
    db.tenantId,
    id,
  ]);
  return result.rows[0];
}

/** Whose and which requests are looked for; what is undefined does not narrow. */
export interface MatchFilter {
  readonly client: string | undefined;
  /** Unique member identifiers of one person. */
  readonly umbs: readonly string[] | undefined;
  readonly group: string | undefined;
  readonly since: Date | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function selectMatches(db: TenantQueryable, filter: MatchFilter): Promise<readonly KeptMatch[]> {
  const result = await db.query<KeptMatch>(
    `select ${KEPT} from match_request
      where tenant_id = $1 and ($2::text is null or client = $2) and ($3::text[] is null or umb = any($3))
        and ($4::text is null or group_id = $4) and ($5::timestamptz is null or asked_at >= $5)
      order by asked_at desc, id limit $6`,
    [db.tenantId, filter.client ?? null, filter.umbs ?? null, filter.group ?? null, filter.since ?? null, filter.limit],
  );
  return result.rows;
}

/** The coverage that came with a match, as it was sent. */
export async function selectCoverageLink(db: TenantQueryable, matchId: string): Promise<string | undefined> {
  const result = await db.query<{ resource: string }>(
    'select resource from coverage_link where tenant_id = $1 and match_id = $2',
    [db.tenantId, matchId],
  );
  return result.rows[0]?.resource;
}

/** The latest match that the same request of the same client yielded. */
export async function selectRepeated(
  db: TenantQueryable,
  client: string,
  requestHash: Buffer,
): Promise<{ umb: string; consent_id: string; group_id: string } | undefined> {
  const result = await db.query<{ umb: string; consent_id: string; group_id: string }>(
    `select umb, consent_id, group_id from match_request
      where tenant_id = $1 and client = $2 and request_hash = $3 and decision = 'accepted'
      order by asked_at desc limit 1`,
    [db.tenantId, client, requestHash],
  );
  return result.rows[0];
}

export async function insertCoverageLink(
  db: TenantQueryable,
  link: {
    readonly matchId: string;
    readonly mk: string;
    readonly memberId: string;
    readonly client: string;
    readonly resource: string;
    readonly receivedAt: Date;
  },
): Promise<void> {
  await db.query(
    `insert into coverage_link (tenant_id, match_id, mk, member_id, client, resource, received_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [db.tenantId, link.matchId, link.mk, link.memberId, link.client, link.resource, link.receivedAt],
  );
}
