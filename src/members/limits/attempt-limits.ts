import { sha256 } from '#/platform/crypto/hash.ts';
import type { Queryable } from '#/platform/db/database.ts';
import { deleteAttempts, deleteOldAttempts, releaseAttempt, reserveAttempt } from './attempt-store.ts';

/** How often something may fail before it is locked, and for how long. */
export interface AttemptRule {
  /** Failures in a window; the one that reaches it locks. */
  readonly failuresMax: number;
  readonly windowSeconds: number;
  readonly lockSeconds: number;
  /** Each lock in a row is twice as long as the one before, up to this. */
  readonly lockSecondsMax: number;
}

export interface AttemptKey {
  /** What is counted; only its hash is stored. */
  readonly name: string;
  readonly rule: AttemptRule;
}

export type Attempt =
  | { readonly kind: 'open'; readonly failuresLeft: number }
  | { readonly kind: 'locked'; readonly until: Date };

type TenantQueryable = Queryable & { readonly tenantId: number };

/**
 * Takes an attempt before it is made, for all keys. It counts as failed until `forgive` takes it back, so that of thirty tries
 * at once no more than the rule allows get through, in any number of processes.
 *
 * `failuresLeft` is how many more may fail after this one.
 */
export async function beginAttempt(db: TenantQueryable, keys: readonly AttemptKey[]): Promise<Attempt> {
  let failuresLeft = Number.POSITIVE_INFINITY;
  const taken: AttemptKey[] = [];
  // In the order of their hashes, so that two attempts with the same keys cannot wait for each other.
  for (const key of keys.toSorted((a, b) => Buffer.compare(hashOf(a), hashOf(b)))) {
    const reserved = await reserveAttempt(db, hashOf(key), key.rule);
    if (reserved.lockedUntil) {
      for (const other of taken) await releaseAttempt(db, hashOf(other));
      return { kind: 'locked', until: reserved.lockedUntil };
    }
    taken.push(key);
    failuresLeft = Math.min(failuresLeft, Math.max(0, key.rule.failuresMax - reserved.used));
  }
  return { kind: 'open', failuresLeft };
}

/** The attempt did not fail: it, and the failures before it, no longer count. */
export async function forgive(db: TenantQueryable, keys: readonly AttemptKey[]): Promise<void> {
  await deleteAttempts(db, keys.map(hashOf));
}

/** The attempt was not made after all: it alone no longer counts. */
export async function handBack(db: TenantQueryable, keys: readonly AttemptKey[]): Promise<void> {
  for (const key of keys) await releaseAttempt(db, hashOf(key));
}

/** Counts that say nothing any more. @returns how many rows went */
export const purgeAttempts = deleteOldAttempts;

const hashOf = (key: AttemptKey): Buffer => sha256(`attempt|${key.name}`);
