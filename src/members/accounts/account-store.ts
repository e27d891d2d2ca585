import type { Queryable } from '#/platform/db/database.ts';
import type { Account, VerificationKind, Verified } from './account.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

interface Row {
  id: string;
  email: string;
  umb: string;
  member_id: string;
  verified_by: VerificationKind;
  ial: string;
  verified_at: Date;
}

const COLUMNS = 'id, email, umb, member_id, verified_by, ial, verified_at';
const LIVE = 'closed_at is null and (expires_at is null or expires_at > clock_timestamp())';

export async function selectAccountByEmail(db: TenantQueryable, email: string): Promise<Account | undefined> {
  const result = await db.query<Row>(`select ${COLUMNS} from account where tenant_id = $1 and email = $2 and ${LIVE}`, [
    db.tenantId,
    email,
  ]);
  return result.rows[0] && fromRow(result.rows[0]);
}

export async function selectAccount(db: TenantQueryable, id: string): Promise<Account | undefined> {
  const result = await db.query<Row>(`select ${COLUMNS} from account where tenant_id = $1 and id = $2 and ${LIVE}`, [
    db.tenantId,
    id,
  ]);
  return result.rows[0] && fromRow(result.rows[0]);
}

/** The person's account in production, where there is one for each. */
export async function selectLastingAccountOf(db: TenantQueryable, umb: string): Promise<Account | undefined> {
  const result = await db.query<Row>(
    `select ${COLUMNS} from account where tenant_id = $1 and umb = $2 and closed_at is null and expires_at is null`,
    [db.tenantId, umb],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

/** An account of a sandbox that has run out no longer keeps its address from others. */
export async function closeExpiredAccount(db: TenantQueryable, email: string): Promise<void> {
  await db.query(
    `update account set closed_at = clock_timestamp()
      where tenant_id = $1 and email = $2 and closed_at is null and expires_at <= clock_timestamp()`,
    [db.tenantId, email],
  );
}

/** @param days of a sandbox; undefined: the account stays */
export async function insertAccount(
  db: TenantQueryable,
  account: Verified & { readonly email: string },
  days: number | undefined,
): Promise<Account> {
  const result = await db.query<Row>(
    `insert into account (tenant_id, email, umb, member_id, verified_by, ial, verified_at, last_sign_in_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, clock_timestamp(), clock_timestamp(), clock_timestamp() + make_interval(days => $7))
     returning ${COLUMNS}`,
    [db.tenantId, account.email, account.umb, account.patientId, account.verifiedBy, account.ial, days ?? null],
  );
  return fromRow(result.rows[0]!);
}

/** The person has shown again who he or she is, perhaps with another address. */
export async function updateVerified(
  db: TenantQueryable,
  id: string,
  account: Verified & { readonly email: string },
): Promise<Account | undefined> {
  const result = await db.query<Row>(
    `update account set email = $3, member_id = $4, verified_by = $5, ial = $6, verified_at = clock_timestamp(), last_sign_in_at = clock_timestamp()
      where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
    [db.tenantId, id, account.email, account.patientId, account.verifiedBy, account.ial],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

export async function updateEmail(db: TenantQueryable, id: string, email: string): Promise<void> {
  await db.query('update account set email = $3 where tenant_id = $1 and id = $2', [db.tenantId, id, email]);
}

export async function markSignIn(db: TenantQueryable, id: string): Promise<void> {
  await db.query('update account set last_sign_in_at = clock_timestamp() where tenant_id = $1 and id = $2', [
    db.tenantId,
    id,
  ]);
}

export async function markClosed(db: TenantQueryable, id: string): Promise<void> {
  await db.query(
    'update account set closed_at = clock_timestamp() where tenant_id = $1 and id = $2 and closed_at is null',
    [db.tenantId, id],
  );
}

/** All accounts of a plan: for a sandbox that is brought back to how it was made. */
export async function deleteAccounts(db: TenantQueryable): Promise<number> {
  const result = await db.query('delete from account where tenant_id = $1', [db.tenantId]);
  return result.rowCount ?? 0;
}

/** The account that a login at another issuer stands for. */
export async function selectAccountByIdentity(
  db: TenantQueryable,
  issuer: string,
  subject: string,
): Promise<Account | undefined> {
  const result = await db.query<Row>(
    `select ${COLUMNS} from account
      where tenant_id = $1 and ${LIVE}
        and id = (select account_id from account_identity where tenant_id = $1 and issuer = $2 and subject = $3)`,
    [db.tenantId, issuer, subject],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

/** @returns false when the login stands for another account already */
export async function insertIdentity(
  db: TenantQueryable,
  identity: {
    readonly issuer: string;
    readonly subject: string;
    readonly accountId: string;
    readonly acr: string | undefined;
  },
): Promise<boolean> {
  const result = await db.query(
    `insert into account_identity (tenant_id, issuer, subject, account_id, acr) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, issuer, subject) do update set acr = excluded.acr where account_identity.account_id = excluded.account_id
     returning 1`,
    [db.tenantId, identity.issuer, identity.subject, identity.accountId, identity.acr ?? null],
  );
  return result.rowCount === 1;
}

function fromRow(row: Row): Account {
  return {
    id: row.id,
    email: row.email,
    umb: row.umb,
    patientId: row.member_id,
    verifiedBy: row.verified_by,
    ial: row.ial,
    verifiedAt: row.verified_at,
  };
}
