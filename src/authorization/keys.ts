import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database } from '#/platform/db/database.ts';
import { type KeyState, keySteps } from './key-rotation.ts';
import { insertKey, moveKeys, selectKeys } from './key-store.ts';

/** ES256 signs access tokens; RS256 signs id_tokens, as SMART demands (authorization.md 11). */
export type SigningAlgorithm = 'ES256' | 'RS256';

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly state: Exclude<KeyState, 'retired'>;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
}

/** What was read is kept this long: a change acts within it everywhere, at once where it is announced. */
const CACHE_MS = 5_000;
/** A kid that is not among them has them read again, no more often than this: anybody can make up kids. */
const REREAD_MS = 1_000;
const RSA_BITS = 2048;

export interface SigningKeys {
  /** The keys of a tenant (0: the platform), the current one of each algorithm first; made at the first call. */
  of(tenantId: number): Promise<readonly SigningKey[]>;
  /** The same, read again when the kid is not among them: another process may have made a key a moment ago. */
  with(tenantId: number, kid: string): Promise<readonly SigningKey[]>;
  forget(tenantId: number): void;
  /** Makes, promotes and retires what is due; harmless when run twice or by two processes at once. */
  rotate(tenantId: number, now: Date): Promise<void>;
}

/** Signing keys live in PostgreSQL, their private parts sealed under the master key, and in clear only in memory. */
export function makeSigningKeys(database: Database, sealer: Sealer): SigningKeys {
  const known = new Map<number, { readonly at: number; readonly keys: Promise<readonly SigningKey[]> }>();
  const unsealed = new Map<number, readonly SigningKey[]>();
  const reread = new Map<number, number>();

  async function read(tenantId: number): Promise<readonly SigningKey[]> {
    const db = database.tenant(tenantId);
    let rows = await selectKeys(db);
    for (const alg of algorithmsOf(tenantId)) {
      if (rows.some((row) => row.alg === alg && row.state === 'current')) continue;
      // Two processes may come here at once: the index on current keys lets one in, and both read it.
      await insertKey(db, { ...(await makeKey(alg, sealer)), state: 'current' });
      rows = await selectKeys(db);
    }
    // The same list as before, when nothing has changed: what was made of it (imported keys) goes on being used.
    const before = unsealed.get(tenantId);
    if (before && isSame(before, rows)) return before;
    const keys = rows.map(({ kid, alg, state, publicJwk, sealed }) => ({
      kid,
      alg,
      state,
      publicJwk,
      privateJwk: JSON.parse(sealer.unseal(sealed, kid).toString('utf8')) as JWK,
    }));
    unsealed.set(tenantId, keys);
    return keys;
  }

  function of(tenantId: number): Promise<readonly SigningKey[]> {
    const entry = known.get(tenantId);
    if (entry && Date.now() - entry.at < CACHE_MS) return entry.keys;
    const fresh = { at: Date.now(), keys: read(tenantId) };
    known.set(tenantId, fresh);
    fresh.keys.catch(() => known.get(tenantId) === fresh && known.delete(tenantId));
    return fresh.keys;
  }

  return {
    of,
    async with(tenantId, kid) {
      const keys = await of(tenantId);
      if (keys.some((key) => key.kid === kid)) return keys;
      if (Date.now() - (reread.get(tenantId) ?? 0) >= REREAD_MS) {
        reread.set(tenantId, Date.now());
        known.delete(tenantId);
      }
      // Another request may have begun to read them again: this one gets the same.
      return of(tenantId);
    },
    forget(tenantId) {
      known.delete(tenantId);
    },
    async rotate(tenantId, now) {
      const db = database.tenant(tenantId);
      for (const alg of algorithmsOf(tenantId)) {
        const steps = keySteps(
          (await selectKeys(db)).filter((row) => row.alg === alg),
          now,
        );
        if (steps.publish) await insertKey(db, { ...(await makeKey(alg, sealer)), state: 'next', since: now });
        await moveKeys(db, alg, steps, now);
      }
      known.delete(tenantId);
    },
  };
}

function isSame(
  keys: readonly SigningKey[],
  rows: readonly { readonly kid: string; readonly state: string }[],
): boolean {
  return (
    keys.length === rows.length && keys.every(({ kid, state }, i) => rows[i]?.kid === kid && rows[i].state === state)
  );
}

/** The platform issues access tokens only. */
export function algorithmsOf(tenantId: number): readonly SigningAlgorithm[] {
  return tenantId === 0 ? ['ES256'] : ['ES256', 'RS256'];
}

/** A key pair, its private part sealed. */
export async function makeKey(alg: SigningAlgorithm, sealer: Sealer) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: RSA_BITS });
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
