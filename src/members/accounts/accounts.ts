import { recordAudit } from '#/audit/audit.ts';
import type { TenantConnection, TenantDatabase } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { memberAuditKey } from '../umb.ts';
import { type Account, SANDBOX_ACCOUNT_DAYS, type Verified } from './account.ts';
import {
  closeExpiredAccount,
  deleteAccounts,
  insertAccount,
  markClosed,
  markSignIn,
  selectAccount,
  selectAccountByEmail,
  selectLastingAccountOf,
  updateEmail,
  updateVerified,
} from './account-store.ts';

export type OpenedAccount =
  | {
      readonly kind: 'account';
      readonly account: Account;
      readonly isNew: boolean;
      /** The address that the account had before: it is told that it no longer is the one. */
      readonly formerEmail: string | undefined;
    }
  /** The address stands for another person. Whoever asks learns no more than that it cannot be used. */
  | { readonly kind: 'email-taken' };

/** The account of an address that has proved to be the caller's by a code; undefined: nobody's. */
export function findAccountByEmail(db: TenantDatabase, email: string): Promise<Account | undefined> {
  return selectAccountByEmail(db, email);
}

/** Undefined when it was closed, or, in a sandbox, has run out. */
export function findAccount(db: TenantDatabase, id: string): Promise<Account | undefined> {
  return selectAccount(db, id);
}

/**
 * Opens an account for a person who has shown who he or she is and that the address is his or hers. An address stands for one
 * person of a plan. In production a person has one account: who proves it again with another address moves the account there.
 * In a sandbox several accounts may stand for one member, for 30 days.
 *
 * Source: patient-access.md 1.4 (page 3), PA-20.
 */
export async function openAccount(
  tx: TenantConnection,
  tenant: Tenant,
  verified: Verified & { readonly email: string },
  requestId: string,
): Promise<OpenedAccount> {
  await closeExpiredAccount(tx, verified.email);
  // One at a time for an address and for a person: two openings at once must not both find nothing.
  for (const name of [`account|${verified.email}`, `account|${verified.umb}`].sort())
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, $2))', [name, tenant.id]);
  const byEmail = await selectAccountByEmail(tx, verified.email);
  if (byEmail && byEmail.umb !== verified.umb) return { kind: 'email-taken' };
  const known = byEmail ?? (tenant.kind === 'production' ? await selectLastingAccountOf(tx, verified.umb) : undefined);
  const account =
    (known && (await updateVerified(tx, known.id, verified))) ??
    (await insertAccount(tx, verified, tenant.kind === 'sandbox' ? SANDBOX_ACCOUNT_DAYS : undefined));
  await recordAudit(tx, {
    action: known ? 'account.verify' : 'account.open',
    outcome: 'success',
    memberKey: memberAuditKey(tenant.id, verified.umb),
    subject: account.id,
    requestId,
    facts: {
      by: verified.verifiedBy,
      ial: verified.ial,
      movedAddress: known !== undefined && known.email !== verified.email,
    },
  });
  return {
    kind: 'account',
    account,
    isNew: known === undefined,
    formerEmail: known && known.email !== verified.email ? known.email : undefined,
  };
}

/** Written at each sign-in. */
export async function recordSignIn(
  tx: TenantConnection,
  tenant: Tenant,
  account: Account,
  requestId: string,
): Promise<void> {
  await markSignIn(tx, account.id);
  await recordAudit(tx, {
    action: 'account.sign-in',
    outcome: 'success',
    memberKey: memberAuditKey(tenant.id, account.umb),
    subject: account.id,
    requestId,
  });
}

/** @returns false when the address stands for another account */
export async function changeEmail(
  tx: TenantConnection,
  tenant: Tenant,
  account: Account,
  email: string,
  requestId: string,
): Promise<boolean> {
  await closeExpiredAccount(tx, email);
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, $2))', [`account|${email}`, tenant.id]);
  const other = await selectAccountByEmail(tx, email);
  if (other && other.id !== account.id) return false;
  await updateEmail(tx, account.id, email);
  await recordAudit(tx, {
    action: 'account.change-email',
    outcome: 'success',
    memberKey: memberAuditKey(tenant.id, account.umb),
    subject: account.id,
    requestId,
  });
  return true;
}

/** The address is free for somebody else afterwards. Grants to apps are ended by the caller. */
export async function closeAccount(
  tx: TenantConnection,
  tenant: Tenant,
  account: Account,
  requestId: string,
): Promise<void> {
  await markClosed(tx, account.id);
  await recordAudit(tx, {
    action: 'account.close',
    outcome: 'success',
    memberKey: memberAuditKey(tenant.id, account.umb),
    subject: account.id,
    requestId,
  });
}

/** For a sandbox that is brought back to how it was made. */
export const removeAllAccounts = deleteAccounts;
