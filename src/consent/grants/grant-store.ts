import type { Queryable } from '#/platform/db/database.ts';
import type { Grant, NewGrant, RevokedBy, Segment } from './grants.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

interface Row {
  id: string;
  client_id: string;
  account_id: string;
  umb: string;
  member_id: string;
  related_person_id: string | null;
  segment: Segment;
  scopes: string[];
  releases_sensitive: boolean;
  ial: string;
  acr: string | null;
  created_at: Date;
  expires_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
  revoked_by: RevokedBy | null;
}

const COLUMNS =
  'id, client_id, account_id, umb, member_id, related_person_id, segment, scopes, releases_sensitive, ial, acr, created_at, expires_at, last_used_at, revoked_at, revoked_by';
/** A person does not decide more often; what is older can be read in the audit record. */
const LISTED_MAX = 500;

export async function insertGrant(db: TenantQueryable, grant: NewGrant): Promise<void> {
  await db.query(
    `insert into app_grant (tenant_id, id, client_id, account_id, umb, member_id, related_person_id, segment, scopes, releases_sensitive, ial, acr, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      db.tenantId,
      grant.id,
      grant.clientId,
      grant.accountId,
      grant.umb,
      grant.patientId,
      grant.relatedPersonId ?? null,
      grant.segment,
      grant.scopes,
      grant.releasesSensitive,
      grant.ial,
      grant.acr ?? null,
      grant.expiresAt,
    ],
  );
}

export async function selectGrant(db: TenantQueryable, id: string): Promise<Grant | undefined> {
  const result = await db.query<Row>(`select ${COLUMNS} from app_grant where tenant_id = $1 and id = $2`, [
    db.tenantId,
    id,
  ]);
  return result.rows[0] && fromRow(result.rows[0]);
}

export async function selectGrantsOf(
  db: TenantQueryable,
  of: { readonly umb: string } | { readonly accountId: string },
): Promise<readonly Grant[]> {
  const [column, value] = 'umb' in of ? ['umb', of.umb] : ['account_id', of.accountId];
  const result = await db.query<Row>(
    `select ${COLUMNS} from app_grant where tenant_id = $1 and ${column} = $2 order by created_at desc, id limit ${LISTED_MAX}`,
    [db.tenantId, value],
  );
  return result.rows.map(fromRow);
}

/** @returns undefined when it had ended before */
export async function updateRevoked(db: TenantQueryable, id: string, by: RevokedBy): Promise<Grant | undefined> {
  const result = await db.query<Row>(
    `update app_grant set revoked_at = clock_timestamp(), revoked_by = $3
      where tenant_id = $1 and id = $2 and revoked_at is null returning ${COLUMNS}`,
    [db.tenantId, id, by],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

export async function noteGrantUse(db: TenantQueryable, id: string, intervalSeconds: number): Promise<void> {
  await db.query(
    `update app_grant set last_used_at = clock_timestamp()
      where tenant_id = $1 and id = $2
        and (last_used_at is null or last_used_at < clock_timestamp() - make_interval(secs => $3))`,
    [db.tenantId, id, intervalSeconds],
  );
}

export async function deleteGrants(db: TenantQueryable): Promise<readonly string[]> {
  const result = await db.query<{ id: string }>('delete from app_grant where tenant_id = $1 returning id', [
    db.tenantId,
  ]);
  return result.rows.map(({ id }) => id);
}

function fromRow(row: Row): Grant {
  return {
    id: row.id,
    clientId: row.client_id,
    accountId: row.account_id,
    umb: row.umb,
    patientId: row.member_id,
    relatedPersonId: row.related_person_id ?? undefined,
    segment: row.segment,
    scopes: row.scopes,
    releasesSensitive: row.releases_sensitive,
    ial: row.ial,
    acr: row.acr ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    revokedBy: row.revoked_by ?? undefined,
  };
}
