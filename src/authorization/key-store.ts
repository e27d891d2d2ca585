import type { JWK } from 'jose';
import type { TenantDatabase } from '#/platform/db/database.ts';

/** ES256 signs access tokens; RS256 signs id_tokens, as SMART demands (authorization.md 11). */
export type SigningAlgorithm = 'ES256' | 'RS256';

export interface KeyRow {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly state: 'next' | 'current' | 'retiring';
  readonly publicJwk: JWK;
  readonly sealed: Buffer;
}

/** Keys that sign, will sign, or whose tokens may still be out; the current one of each algorithm first. */
export async function selectKeys(db: TenantDatabase): Promise<readonly KeyRow[]> {
  const result = await db.query<{
    kid: string;
    alg: SigningAlgorithm;
    state: KeyRow['state'];
    public_jwk: JWK;
    sealed: Buffer;
  }>(
    `select kid, alg, state, public_jwk, sealed from signing_key
      where tenant_id = $1 and state <> 'retired' order by state = 'current' desc, created_at desc`,
    [db.tenantId],
  );
  return result.rows.map((row) => ({
    kid: row.kid,
    alg: row.alg,
    state: row.state,
    publicJwk: row.public_jwk,
    sealed: row.sealed,
  }));
}

/** Becomes the current key unless there is one already. */
export async function insertKey(
  db: TenantDatabase,
  key: Omit<KeyRow, 'state'> & { readonly keyId: string },
): Promise<void> {
  await db.query(
    `insert into signing_key (tenant_id, kid, alg, public_jwk, sealed, key_id, state) values ($1, $2, $3, $4, $5, $6, 'current')
     on conflict do nothing`,
    [db.tenantId, key.kid, key.alg, JSON.stringify(key.publicJwk), key.sealed, key.keyId],
  );
}
