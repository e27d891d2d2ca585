import { randomBytes } from 'node:crypto';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database, TenantConnection } from '#/platform/db/database.ts';
import { insertFileKey, lockFileKeysOfOthers, readFileKey, updateFileKey } from './file-key-store.ts';

const KEY_BYTES = 32;
/** Keys of jobs that are kept in memory, opened. */
const KNOWN_MAX = 1_000;

/** The keys under which the files of each export are encrypted. */
export interface FileKeys {
  /** The key of a job, made at the first call. @throws Error when there is no such job */
  require(tenantId: number, jobId: string): Promise<Buffer>;
  forget(tenantId: number, jobId: string): void;
}

const boundTo = (tenantId: number, jobId: string): string => `export-files/${tenantId}/${jobId}`;

export function makeFileKeys(database: Database, sealer: Sealer): FileKeys {
  const known = new Map<string, Promise<Buffer>>();

  async function read(tenantId: number, jobId: string): Promise<Buffer> {
    const db = database.tenant(tenantId);
    let row = await readFileKey(db, jobId);
    if (!row) {
      const sealed = sealer.seal(randomBytes(KEY_BYTES), boundTo(tenantId, jobId));
      await insertFileKey(db, { jobId, sealed, keyId: sealer.keyId });
      row = await readFileKey(db, jobId);
    }
    if (!row) throw new Error('an export that is gone has no key for its files');
    return sealer.unseal(row.sealed, boundTo(tenantId, jobId));
  }
  return {
    require(tenantId, jobId) {
      const name = boundTo(tenantId, jobId);
      const found = known.get(name);
      if (found) return found;
      const key = read(tenantId, jobId);
      key.catch(() => known.delete(name));
      if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value!);
      known.set(name, key);
      return key;
    },
    forget(tenantId, jobId) {
      known.delete(boundTo(tenantId, jobId));
    },
  };
}

/**
 * Seals the keys of a tenant's exports anew, under another master key. The files stay as they are.
 *
 * @returns how many there were
 * @throws Error when `old` did not seal one of them
 */
export async function rewrapFileKeys(tx: TenantConnection, old: Sealer, sealer: Sealer): Promise<number> {
  const keys = await lockFileKeysOfOthers(tx, sealer.keyId);
  for (const { jobId, sealed } of keys) {
    const name = boundTo(tx.tenantId, jobId);
    await updateFileKey(tx, { jobId, sealed: sealer.seal(old.unseal(sealed, name), name), keyId: sealer.keyId });
  }
  return keys.length;
}
