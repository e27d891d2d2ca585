import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database, TenantConnection } from '#/platform/db/database.ts';
import { lockKeysOfOthers, selectKeyIds, updateSealedKey } from './key-store.ts';

/**
 * Seals the private signing keys of a tenant (0: the platform) anew, under another master key. What they signed stays valid.
 *
 * @returns how many there were
 * @throws Error when `old` did not seal one of them
 */
export async function rewrapSigningKeys(tx: TenantConnection, old: Sealer, sealer: Sealer): Promise<number> {
  const keys = await lockKeysOfOthers(tx, sealer.keyId);
  for (const { kid, sealed } of keys)
    await updateSealedKey(tx, { kid, sealed: sealer.seal(old.unseal(sealed, kid), kid), keyId: sealer.keyId });
  return keys.length;
}

/** The ids of master keys, other than this one, that signing keys of these tenants are sealed under. */
export async function foreignMasterKeys(
  database: Database,
  tenantIds: readonly number[],
  sealer: Sealer,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const tenantId of tenantIds) for (const keyId of await selectKeyIds(database.tenant(tenantId))) found.add(keyId);
  found.delete(sealer.keyId);
  return [...found];
}
