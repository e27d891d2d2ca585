import type { TenantDatabase } from '#/platform/db/database.ts';

/** JWTs of a grant live at most this long; its denylist row as long. */
const LONGEST_TOKEN_SECONDS = 3_600;
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
  readonly consumedSeconds: number | undefined;
}

interface Row {
  payload: Record<string, unknown>;
  consumed_at: Date | null;
  consumed_seconds: number | null;
}

const COLUMNS = 'payload, consumed_at, extract(epoch from clock_timestamp() - consumed_at)::float8 as consumed_seconds';

export async function upsertArtifact(db: TenantDatabase, row: ArtifactRow): Promise<void> {
  await db.query(
    `insert into oidc_artifact (tenant_id, kind, id, grant_id, uid, payload, expires_at)
     values ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7))
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

/** Never an expired one (rule 6). */
export async function selectArtifact(db: TenantDatabase, kind: string, id: string): Promise<Artifact | undefined> {
  const result = await db.query<Row>(
    `select ${COLUMNS} from oidc_artifact where tenant_id = $1 and kind = $2 and id = $3 and expires_at > clock_timestamp()`,
    [db.tenantId, kind, id],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

export async function selectByUid(db: TenantDatabase, kind: string, uid: string): Promise<Artifact | undefined> {
  const result = await db.query<Row>(
    `select ${COLUMNS} from oidc_artifact where tenant_id = $1 and kind = $2 and uid = $3 and expires_at > clock_timestamp() limit 1`,
    [db.tenantId, kind, uid],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

/** One conditional update: of several at once exactly one consumes. Within the grace it may be consumed again, the time stays. */
export async function consumeArtifact(
  db: TenantDatabase,
  kind: string,
  id: string,
  graceSeconds: number,
): Promise<{ readonly consumed: boolean; readonly grantId?: string }> {
  const result = await db.query(
    `update oidc_artifact set consumed_at = coalesce(consumed_at, clock_timestamp())
      where tenant_id = $1 and kind = $2 and id = $3
        and (consumed_at is null or consumed_at > clock_timestamp() - make_interval(secs => $4))`,
    [db.tenantId, kind, id, graceSeconds],
  );
  if (result.rowCount === 1) return { consumed: true };
  const found = await db.query<{ grant_id: string | null }>(
    'select grant_id from oidc_artifact where tenant_id = $1 and kind = $2 and id = $3',
    [db.tenantId, kind, id],
  );
  const grantId = found.rows[0]?.grant_id;
  return grantId === undefined || grantId === null ? { consumed: false } : { consumed: false, grantId };
}

export async function deleteArtifact(db: TenantDatabase, kind: string, id: string): Promise<void> {
  await db.query('delete from oidc_artifact where tenant_id = $1 and kind = $2 and id = $3', [db.tenantId, kind, id]);
}

/** Everything of a grant goes, and its JWTs are refused from now on (rule 5). */
export async function deleteByGrant(db: TenantDatabase, grantId: string): Promise<void> {
  await db.query(
    `with gone as (delete from oidc_artifact where tenant_id = $1 and grant_id = $2),
          denied as (insert into token_denylist (tenant_id, key, until)
                     values ($1, 'grant:' || $2, now() + make_interval(secs => $3)) on conflict (tenant_id, key) do update set until = excluded.until)
     select pg_notify('auth_revoked', json_build_object('tenant', $1::int, 'key', 'grant:' || $2::text)::text)`,
    [db.tenantId, grantId, LONGEST_TOKEN_SECONDS],
  );
}

/** @returns how many rows past their expiry went; call again while it is the batch size */
export async function purgeExpired(db: TenantDatabase): Promise<number> {
  const result = await db.query(
    `delete from oidc_artifact where (tenant_id, kind, id) in
       (select tenant_id, kind, id from oidc_artifact where tenant_id = $1 and expires_at < now() limit ${PURGE_BATCH})`,
    [db.tenantId],
  );
  return result.rowCount ?? 0;
}

function valuesOf(db: TenantDatabase, row: ArtifactRow): unknown[] {
  return [
    db.tenantId,
    row.kind,
    row.id,
    row.payload.grantId ?? null,
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
