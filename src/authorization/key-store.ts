import type { JWK } from 'jose';
import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import type { KeyState, KeySteps } from './key-rotation.ts';
import type { SigningAlgorithm } from './keys.ts';

export interface KeyRow {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly state: Exclude<KeyState, 'retired'>;
  readonly since: Date;
  readonly publicJwk: JWK;
  readonly sealed: Buffer;
}

/** Keys that sign, will sign, or whose tokens may still be out; the current one of each algorithm first. */
export async function selectKeys(db: TenantDatabase): Promise<readonly KeyRow[]> {
  const result = await db.query<{
    kid: string;
    alg: SigningAlgorithm;
    state: KeyRow['state'];
    state_since: Date;
    public_jwk: JWK;
    sealed: Buffer;
  }>(
    `select kid, alg, state, state_since, public_jwk, sealed from signing_key
      where tenant_id = $1 and state <> 'retired' order by state = 'current' desc, created_at desc, kid`,
    [db.tenantId],
  );
  return result.rows.map((row) => ({
    kid: row.kid,
    alg: row.alg,
    state: row.state,
    since: row.state_since,
    publicJwk: row.public_jwk,
    sealed: row.sealed,
  }));
}

export interface NewKey extends Omit<KeyRow, 'state' | 'since'> {
  readonly keyId: string;
  readonly state: 'next' | 'current';
  readonly since?: Date;
}

/** @returns false when there is a key of this algorithm in this state already; then nothing is done */
export async function insertKey(db: TenantDatabase | TenantConnection, key: NewKey): Promise<boolean> {
  const result = await db.query(
    `insert into signing_key (tenant_id, kid, alg, public_jwk, sealed, key_id, state, state_since)
     values ($1, $2, $3, $4, $5, $6, $7, coalesce($8, now())) on conflict do nothing`,
    [db.tenantId, key.kid, key.alg, JSON.stringify(key.publicJwk), key.sealed, key.keyId, key.state, key.since ?? null],
  );
  return result.rowCount === 1;
}

/** Which master keys sealed the keys of a tenant. */
export async function selectKeyIds(db: TenantDatabase): Promise<readonly string[]> {
  const result = await db.query<{ key_id: string }>(
    `select distinct key_id from signing_key where tenant_id = $1 and state <> 'retired'`,
    [db.tenantId],
  );
  return result.rows.map((row) => row.key_id);
}

export interface SealedKey {
  readonly kid: string;
  readonly sealed: Buffer;
  readonly keyId: string;
}

/** Keys, retired ones too, that another master key sealed; locked until the transaction ends. */
export async function lockKeysOfOthers(tx: TenantConnection, keyId: string): Promise<readonly SealedKey[]> {
  const result = await tx.query<{ kid: string; sealed: Buffer; key_id: string }>(
    'select kid, sealed, key_id from signing_key where tenant_id = $1 and key_id <> $2 order by kid for update',
    [tx.tenantId, keyId],
  );
  return result.rows.map((row) => ({ kid: row.kid, sealed: row.sealed, keyId: row.key_id }));
}

export async function updateSealedKey(tx: TenantConnection, key: SealedKey): Promise<void> {
  await tx.query('update signing_key set sealed = $3, key_id = $4 where tenant_id = $1 and kid = $2', [
    tx.tenantId,
    key.kid,
    key.sealed,
    key.keyId,
  ]);
}

export interface Replaced {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** What it is now. */
  readonly state: KeyState;
}

/**
 * The keys that sign make room, for good with `discard`, which takes those too that wait or whose tokens may still be out.
 *
 * @returns those that changed; of two at once the second waits for the first, and replaces what that made
 */
export async function retireKeys(tx: TenantConnection, discard: boolean, now: Date): Promise<readonly Replaced[]> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('signing-keys|' || $1::int, 0))`, [tx.tenantId]);
  const result = await tx.query<Replaced>(
    `update signing_key set state = case when $2 then 'retired' else 'retiring' end, state_since = $3
      where tenant_id = $1 and (state = 'current' or ($2 and state in ('next', 'retiring')))
      returning kid, alg, state`,
    [tx.tenantId, discard, now],
  );
  return result.rows;
}

/** The key that waits signs from now on. @returns its kid; undefined: none waits */
export async function promoteNext(tx: TenantConnection, alg: SigningAlgorithm, now: Date): Promise<string | undefined> {
  const result = await tx.query<{ kid: string }>(
    `update signing_key set state = 'current', state_since = $3 where tenant_id = $1 and alg = $2 and state = 'next' returning kid`,
    [tx.tenantId, alg, now],
  );
  return result.rows[0]?.kid;
}

/** Every process reads the keys anew when this is committed. */
export async function announceKeys(tx: TenantConnection): Promise<void> {
  await tx.query(`select pg_notify('auth_revoked', $1)`, [JSON.stringify({ keys: tx.tenantId })]);
}

/** Moves keys on as `keySteps` says, all or nothing; a second process that decided the same finds nothing to move. */
export async function moveKeys(
  db: TenantDatabase,
  alg: SigningAlgorithm,
  { promote, retire }: KeySteps,
  now: Date,
): Promise<void> {
  if (promote === undefined && retire.length === 0) return;
  await db.transaction(async (tx) => {
    await tx.query(
      `update signing_key set state = 'retired', state_since = $3 where tenant_id = $1 and state = 'retiring' and kid = any($2)`,
      [db.tenantId, retire, now],
    );
    await announceKeys(tx);
    if (promote === undefined) return;
    const waiting = await tx.query(
      `select from signing_key where tenant_id = $1 and kid = $2 and state = 'next' for update`,
      [db.tenantId, promote],
    );
    if (waiting.rowCount === 0) return;
    // In this order: at no moment are there two that sign.
    await tx.query(
      `update signing_key set state = 'retiring', state_since = $3 where tenant_id = $1 and alg = $2 and state = 'current'`,
      [db.tenantId, alg, now],
    );
    await tx.query(`update signing_key set state = 'current', state_since = $3 where tenant_id = $1 and kid = $2`, [
      db.tenantId,
      promote,
      now,
    ]);
  });
}
