import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database } from '#/platform/db/database.ts';
import { insertKey, type KeyRow, type SigningAlgorithm, selectKeys } from './key-store.ts';

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly state: 'next' | 'current' | 'retiring';
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
}

/** Keys change rarely; what was read is kept this long. */
const CACHE_MS = 30_000;

export interface SigningKeys {
  /** The keys of a tenant (0: the platform), the current one of each algorithm first; made at the first call. */
  of(tenantId: number): Promise<readonly SigningKey[]>;
}

export function makeSigningKeys(database: Database, sealer: Sealer): SigningKeys {
  const known = new Map<number, { readonly at: number; readonly keys: Promise<readonly SigningKey[]> }>();

  async function read(tenantId: number): Promise<readonly SigningKey[]> {
    const wanted: readonly SigningAlgorithm[] = tenantId === 0 ? ['ES256'] : ['ES256', 'RS256'];
    let rows = await selectKeys(database.tenant(tenantId));
    for (const alg of wanted) {
      if (rows.some((row) => row.alg === alg && row.state === 'current')) continue;
      // Two processes may come here at once: the index on current keys lets one in, and both read it.
      await insertKey(database.tenant(tenantId), await makeKey(alg, sealer));
      rows = await selectKeys(database.tenant(tenantId));
    }
    return rows.map((row) => ({
      kid: row.kid,
      alg: row.alg,
      state: row.state,
      publicJwk: row.publicJwk,
      privateJwk: JSON.parse(sealer.unseal(row.sealed, row.kid).toString('utf8')) as JWK,
    }));
  }

  return {
    of(tenantId) {
      const entry = known.get(tenantId);
      if (entry && Date.now() - entry.at < CACHE_MS) return entry.keys;
      const keys = read(tenantId);
      known.set(tenantId, { at: Date.now(), keys });
      keys.catch(() => known.delete(tenantId));
      return keys;
    },
  };
}

async function makeKey(alg: SigningAlgorithm, sealer: Sealer): Promise<Omit<KeyRow, 'state'> & { keyId: string }> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  const publicPart = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicPart);
  const named = { kid, alg, use: 'sig' };
  const privateJwk = { ...(await exportJWK(privateKey)), ...named };
  return {
    kid,
    alg,
    publicJwk: { ...publicPart, ...named },
    sealed: sealer.seal(JSON.stringify(privateJwk), kid),
    keyId: sealer.keyId,
  };
}
