import type { Queryable, TenantDatabase } from '#/platform/db/database.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/**
 * How long a revoked grant is remembered: longer than its JWTs live, and longer than the sweep takes to come by, which deletes
 * what was stored while the grant was being revoked.
 */
const GRANT_DENIED_SECONDS = 86_400;
/** Rows past their expiry that one statement deletes. */
const PURGE_BATCH = 5_000;

export interface ArtifactRow {
  readonly kind: string;
  readonly id: string;
  readonly payload: object & { readonly grantId?: string | undefined; readonly uid?: string | undefined };
  readonly expiresInSeconds: number;
}

export interface Artifact {
  readonly payload: Record<string, unknown>;
  readonly consumedAt: Date | undefined;
  /** Since it was consumed, by the clock of the database. */
  readonly consumedSeconds: number | undefined;
}

interface Row {
  payload: Record<string, unknown>;
  consumed_at: Date | null;
  consumed_seconds: number | null;
}

const LIVE = `select payload, consumed_at, extract(epoch from clock_timestamp() - consumed_at)::float8 as consumed_seconds
                from oidc_artifact a
               where tenant_id = $1 and kind = $2 and expires_at > clock_timestamp()
                 and not exists (select from token_denylist d where d.tenant_id = a.tenant_id and d.key = 'grant:' || a.grant_id)`;

/**
 * Keeps an artifact. One of a grant that is revoked meanwhile is not kept: when a code is redeemed twice at once, the second
 * redemption may revoke the grant before the first has stored its tokens.
 */
export async function upsertArtifact(db: TenantDatabase, row: ArtifactRow): Promise<void> {
  await db.query(
    `insert into oidc_artifact (tenant_id, kind, id, grant_id, uid, payload, expires_at)
     select $1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7)
      where not exists (select from token_denylist d where d.tenant_id = $1 and d.key = 'grant:' || $4::text)
     on conflict (tenant_id, kind, id) do update
        set (grant_id, uid, payload, expires_at) = (excluded.grant_id, excluded.uid, excluded.payload, excluded.expires_at)`,
    valuesOf(db, row),
  );
}

/** @returns false when the id is there already, expired or not */
export async function insertOnce(db: TenantDatabase, row: ArtifactRow): Promise<boolean> {
  const result = await db.query(
    `insert into oidc_artifact (tenant_id, kind, id, grant_id, uid, payload, expires_at)
     values ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7)) on conflict do nothing`,
    valuesOf(db, row),
  );
  return result.rowCount === 1;
}

/** Never an expired one (rule 6), nor one of a revoked grant. */
export async function selectArtifact(db: TenantDatabase, kind: string, id: string): Promise<Artifact | undefined> {
  const result = await db.query<Row>(`${LIVE} and id = $3`, [db.tenantId, kind, id]);
  return result.rows[0] && fromRow(result.rows[0]);
}

export async function selectByUid(db: TenantDatabase, kind: string, uid: string): Promise<Artifact | undefined> {
  const result = await db.query<Row>(`${LIVE} and uid = $3 limit 1`, [db.tenantId, kind, uid]);
  return result.rows[0] && fromRow(result.rows[0]);
}

/**
 * One conditional update: of several at once exactly one consumes. Within the grace it may be consumed again, the time stays.
 *
 * @returns with `consumed: false` the grant that it belongs to, as far as it is known
 */
export async function consumeArtifact(
  db: TenantDatabase,
  kind: string,
  id: string,
  graceSeconds: number,
): Promise<{ readonly consumed: boolean; readonly grantId: string | undefined }> {
  const result = await db.query<{ consumed: boolean; grant_id: string | null }>(
    `with used as (update oidc_artifact set consumed_at = coalesce(consumed_at, clock_timestamp())
                    where tenant_id = $1 and kind = $2 and id = $3 and expires_at > clock_timestamp()
                      and (consumed_at is null or consumed_at > clock_timestamp() - make_interval(secs => $4))
                   returning 1)
     select exists (select from used) as consumed,
            (select grant_id from oidc_artifact where tenant_id = $1 and kind = $2 and id = $3) as grant_id`,
    [db.tenantId, kind, id, graceSeconds],
  );
  const row = result.rows[0];
  return { consumed: row?.consumed ?? false, grantId: row?.grant_id ?? undefined };
}

export async function deleteArtifact(db: TenantDatabase, kind: string, id: string): Promise<void> {
  await db.query('delete from oidc_artifact where tenant_id = $1 and kind = $2 and id = $3', [db.tenantId, kind, id]);
}

/** Everything of a grant goes, its JWTs are refused from now on, and every process hears of it (rule 5). */
export async function deleteByGrant(db: TenantQueryable, grantId: string): Promise<void> {
  await db.query(
    `with gone as (delete from oidc_artifact where tenant_id = $1 and grant_id = $2),
          denied as (insert into token_denylist (tenant_id, key, until)
                     values ($1, 'grant:' || $2::text, now() + make_interval(secs => $3))
                     on conflict (tenant_id, key) do update set until = excluded.until)
     select pg_notify('auth_revoked', json_build_object('key', 'grant:' || $2::text)::text)`,
    [db.tenantId, grantId, GRANT_DENIED_SECONDS],
  );
}

/** @returns how many rows that are past their expiry, or of a revoked grant, went; call again while it is not 0 */
export async function purgeArtifacts(db: TenantDatabase): Promise<number> {
  const expired = await db.query(
    `delete from oidc_artifact where (tenant_id, kind, id) in
       (select tenant_id, kind, id from oidc_artifact where tenant_id = $1 and expires_at < now() limit ${PURGE_BATCH})`,
    [db.tenantId],
  );
  const revoked = await db.query(
    `delete from oidc_artifact a using token_denylist d
      where a.tenant_id = $1 and d.tenant_id = $1 and a.grant_id is not null and d.key = 'grant:' || a.grant_id`,
    [db.tenantId],
  );
  return (expired.rowCount ?? 0) + (revoked.rowCount ?? 0);
}

function valuesOf(db: TenantDatabase, row: ArtifactRow): unknown[] {
  return [
    db.tenantId,
    row.kind,
    row.id,
    // A grant belongs to itself, so that revoking it takes it too.
    row.kind === 'Grant' ? row.id : (row.payload.grantId ?? null),
    row.payload.uid ?? null,
    JSON.stringify(row.payload),
    row.expiresInSeconds,
  ];
}

function fromRow(row: Row): Artifact {
  return {
    payload: row.payload,
    consumedAt: row.consumed_at ?? undefined,
    consumedSeconds: row.consumed_seconds ?? undefined,
  };
}
