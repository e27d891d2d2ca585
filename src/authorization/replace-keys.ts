import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { TenantConnection } from '#/platform/db/database.ts';
import { announceKeys, insertKey, promoteNext, retireKeys } from './key-store.ts';
import { algorithmsOf, makeKey, type SigningAlgorithm } from './keys.ts';

export interface ReplacedKeys {
  /** Kids that sign from now on. */
  readonly signing: readonly string[];
  /** Kids that sign no more; their tokens are good until they end. */
  readonly retiring: readonly string[];
  /** Kids that are gone, and their tokens with them. */
  readonly discarded: readonly string[];
}

/**
 * Lets another key sign at once, for each algorithm of a tenant (0: the platform): the one that waits, which is published
 * already, or a new one. Whoever keeps our keys has to fetch them again for its kid, as is usual.
 *
 * @param options.discard the keys may be in wrong hands: none that there are is used again, and nothing that they signed is
 *   good any more, within 5 seconds everywhere
 *
 * Source: authorization.md 11; AUTH-24.
 */
export async function replaceSigningKeys(
  tx: TenantConnection,
  sealer: Sealer,
  options: { readonly discard: boolean; readonly now: Date },
): Promise<ReplacedKeys> {
  const { discard, now } = options;
  const kids = (await retireKeys(tx, discard, now)).map(({ kid }) => kid);
  const signing: string[] = [];
  for (const alg of algorithmsOf(tx.tenantId))
    signing.push((await promoteNext(tx, alg, now)) ?? (await insertNew(tx, sealer, alg, now)));
  await announceKeys(tx);
  return { signing, retiring: discard ? [] : kids, discarded: discard ? kids : [] };
}

async function insertNew(tx: TenantConnection, sealer: Sealer, alg: SigningAlgorithm, now: Date): Promise<string> {
  const key = await makeKey(alg, sealer);
  // Only where an issuer makes its first keys at this very moment.
  if (!(await insertKey(tx, { ...key, state: 'current', since: now })))
    throw new Error('The signing keys were changed meanwhile. Try again.');
  return key.kid;
}
