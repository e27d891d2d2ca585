import { randomInt } from 'node:crypto';
import { safeEqual } from '#/platform/crypto/hash.ts';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import { beginAttempt, handBack } from '../limits/attempt-limits.ts';
import { deleteCode, selectSentSeconds, takeTry, upsertCode } from './email-code-store.ts';

export const CODE_DIGITS = 6;
export const CODE_LIFETIME_SECONDS = 600;
export const CODE_TRIES_MAX = 5;
export const RESEND_AFTER_SECONDS = 30;
/** Codes that may be asked for one address in an hour: its owner is not to be flooded. */
const CODES_PER_ADDRESS = { failuresMax: 5, windowSeconds: 3_600, lockSeconds: 3_600, lockSecondsMax: 3_600 };

export type MadeCode =
  | { readonly kind: 'code'; readonly code: string }
  /** One was sent a moment ago. */
  | { readonly kind: 'wait'; readonly seconds: number }
  /** Five were sent to this address in an hour. */
  | { readonly kind: 'too-many'; readonly until: Date };

export type CheckedCode =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong'; readonly triesLeft: number }
  /** There is none any more: too old, tried too often, or used. */
  | { readonly kind: 'gone' };

/**
 * Makes the code that is to be sent to an address, and forgets the one before it. It is good once, for ten minutes, for five
 * tries, and only for what it is bound to (one authorization, one browser session).
 *
 * Source: patient-access.md 1.4, security controls.
 */
export async function makeEmailCode(
  tx: TenantConnection,
  sealer: Sealer,
  { boundTo, email }: { readonly boundTo: string; readonly email: string },
): Promise<MadeCode> {
  const sentSeconds = await selectSentSeconds(tx, boundTo, email);
  if (sentSeconds !== undefined && sentSeconds < RESEND_AFTER_SECONDS)
    return { kind: 'wait', seconds: Math.ceil(RESEND_AFTER_SECONDS - sentSeconds) };
  const keys = [{ name: `email-codes|${email}`, rule: CODES_PER_ADDRESS }];
  const attempt = await beginAttempt(tx, keys);
  if (attempt.kind === 'locked') return { kind: 'too-many', until: attempt.until };
  const code = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0');
  await upsertCode(tx, {
    boundTo,
    email,
    mac: macOf(sealer, tx.tenantId, boundTo, email, code),
    lifetimeSeconds: CODE_LIFETIME_SECONDS,
  });
  return { kind: 'code', code };
}

/** Each check uses up a try, before it is known whether it is right; of several at once with the right code one is right. */
export async function checkEmailCode(
  db: TenantDatabase,
  sealer: Sealer,
  { boundTo, email, code }: { readonly boundTo: string; readonly email: string; readonly code: string },
): Promise<CheckedCode> {
  const taken = await takeTry(db, boundTo, email, CODE_TRIES_MAX);
  if (!taken) return { kind: 'gone' };
  const digits = code.replace(/\s/g, '');
  if (safeEqual(taken.mac, macOf(sealer, db.tenantId, boundTo, email, digits)))
    return (await deleteCode(db, boundTo, taken.mac)) ? { kind: 'right' } : { kind: 'gone' };
  return taken.tries >= CODE_TRIES_MAX ? { kind: 'gone' } : { kind: 'wrong', triesLeft: CODE_TRIES_MAX - taken.tries };
}

/** An address whose owner has shown that it is his or hers is no longer counted for the codes that led there. */
export async function forgetSentCodes(db: TenantDatabase, email: string): Promise<void> {
  await handBack(db, [{ name: `email-codes|${email}`, rule: CODES_PER_ADDRESS }]);
}

function macOf(sealer: Sealer, tenantId: number, boundTo: string, email: string, code: string): Buffer {
  return sealer.mac(`${tenantId}|${boundTo}|${email}|${code}`, 'email-code');
}

/** Codes that nobody can use any more. @returns how many rows went; call again while it is not 0 */
export { purgeCodes as purgeEmailCodes } from './email-code-store.ts';
