import type { Queryable } from '#/platform/db/database.ts';
import { announce } from './client-store.ts';
import { type Environment, LIVE_SECRETS_MAX } from './clients.ts';

/**
 * Adds a secret, in a transaction of the caller's.
 *
 * @returns false when the client has as many live ones as it may have in one of the environments
 */
export async function insertSecret(
  tx: Queryable,
  secret: { clientId: string; sha256: Buffer; hint: string; environments: readonly Environment[] },
): Promise<boolean> {
  // The row of the client is the lock: two that come at once are counted one after the other.
  await tx.query('select from client where client_id = $1 for update', [secret.clientId]);
  const result = await tx.query(
    `insert into client_secret (client_id, sha256, hint, environments)
     select $1, $2, $3, $4::text[]
      where not exists (select from unnest($4::text[]) as wanted (environment)
                         where (select count(*) from client_secret s where s.client_id = $1 and s.environments @> array[wanted.environment]
                                   and (s.expires_at is null or s.expires_at > now())) >= $5)`,
    [secret.clientId, secret.sha256, secret.hint, secret.environments, LIVE_SECRETS_MAX],
  );
  await announce(tx, secret.clientId);
  return result.rowCount === 1;
}

/**
 * Lets the client's live secrets that are good in one of these environments end after some hours (0: now), unless they end
 * before it. Called before the secret that replaces them is added.
 *
 * @returns those that end so, and when
 */
export async function endSecretsAfter(
  tx: Queryable,
  clientId: string,
  environments: readonly Environment[],
  hours: number,
): Promise<readonly { readonly id: string; readonly endsAt: Date }[]> {
  const result = await tx.query<{ id: string; expires_at: Date }>(
    `update client_secret set expires_at = now() + make_interval(hours => $3)
      where client_id = $1 and environments && $2::text[] and (expires_at is null or expires_at > now() + make_interval(hours => $3))
      returning id::text, expires_at`,
    [clientId, environments, hours],
  );
  return result.rows.map((row) => ({ id: row.id, endsAt: row.expires_at }));
}

/** @param ids undefined: all @returns how many live secrets of the client were ended */
export async function endSecrets(tx: Queryable, clientId: string, ids?: readonly string[]): Promise<number> {
  const result = await tx.query(
    `update client_secret set expires_at = now()
      where client_id = $1 and ($2::bigint[] is null or id = any($2)) and (expires_at is null or expires_at > now())`,
    [clientId, ids ?? null],
  );
  await announce(tx, clientId);
  return result.rowCount ?? 0;
}

export async function updateSecretUse(db: Queryable, id: string, intervalSeconds: number): Promise<void> {
  await db.query(
    `update client_secret set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - make_interval(secs => $2))`,
    [id, intervalSeconds],
  );
}
