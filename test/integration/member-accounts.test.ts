import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verified } from '#/members/accounts/account.ts';
import {
  changeEmail,
  closeAccount,
  findAccount,
  findAccountByEmail,
  type OpenedAccount,
  openAccount,
} from '#/members/accounts/accounts.ts';
import { checkEmailCode, makeEmailCode } from '#/members/accounts/email-codes.ts';
import { makeSealer } from '#/platform/crypto/sealer.ts';
import type { TenantDatabase } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

const MAYTE: Verified = { umb: 'U-MAYTE', patientId: 'p1', verifiedBy: 'match-email', ial: 'match' };
const JOHN: Verified = { ...MAYTE, umb: 'U-JOHN', patientId: 'p2' };
const sealer = makeSealer(randomBytes(32));

let cluster: TestDatabase;
let sandbox: Tenant;
let production: Tenant;
beforeAll(async () => {
  cluster = await createTestDatabase();
  sandbox = await cluster.tenant('sand');
  production = await cluster.tenant('prod', 'production');
});
afterAll(() => cluster.drop());

const dbOf = (tenant: Tenant): TenantDatabase => cluster.database.tenant(tenant.id);
const open = (tenant: Tenant, verified: Verified, email: string): Promise<OpenedAccount> =>
  dbOf(tenant).transaction((tx) => openAccount(tx, tenant, { ...verified, email }, 'r1'));
const opened = async (tenant: Tenant, verified: Verified, email: string) => {
  const result = await open(tenant, verified, email);
  if (result.kind !== 'account') throw new Error(result.kind);
  return result;
};

describe('PA-20 an address stands for one member of a plan', () => {
  test('a second member with the same address is refused, also at the same moment; the same member is the same account', async () => {
    const first = await opened(sandbox, MAYTE, 'one@example.org');
    expect(first.isNew).toBe(true);
    expect(await open(sandbox, JOHN, 'one@example.org')).toEqual({ kind: 'email-taken' });
    expect((await opened(sandbox, MAYTE, 'one@example.org')).account.id).toBe(first.account.id);
    const kinds = await Promise.all([MAYTE, JOHN, MAYTE, JOHN].map((who) => open(sandbox, who, 'race@example.org')));
    const owners = new Set(kinds.flatMap((result) => (result.kind === 'account' ? [result.account.umb] : [])));
    expect(owners.size).toBe(1);
    expect(kinds.filter(({ kind }) => kind === 'email-taken')).toHaveLength(2);
  });

  test('of another plan it stands for somebody else', async () => {
    await opened(sandbox, MAYTE, 'two@example.org');
    expect((await opened(production, JOHN, 'two@example.org')).account.umb).toBe('U-JOHN');
    expect((await findAccountByEmail(dbOf(sandbox), 'two@example.org'))?.umb).toBe('U-MAYTE');
  });

  test('in a sandbox several accounts stand for one member, each for 30 days; then the address is free', async () => {
    const a = await opened(sandbox, MAYTE, 'a@example.org');
    const b = await opened(sandbox, MAYTE, 'b@example.org');
    expect(b.account.id).not.toBe(a.account.id);
    const db = dbOf(sandbox);
    const { rows } = await db.query('select expires_at - created_at as life from account where id = $1', [
      a.account.id,
    ]);
    expect(rows[0]?.life).toMatchObject({ days: 30 });
    await db.query(`update account set expires_at = now() - interval '1 second' where id = $1`, [a.account.id]);
    expect(await findAccount(db, a.account.id)).toBeUndefined();
    expect(await findAccountByEmail(db, 'a@example.org')).toBeUndefined();
    expect((await opened(sandbox, JOHN, 'a@example.org')).isNew).toBe(true);
  });

  test('in production a member has one account: who proves it again takes it along to the new address', async () => {
    const first = await opened(production, MAYTE, 'old@example.org');
    const moved = await opened(production, MAYTE, 'new@example.org');
    expect(moved).toMatchObject({ isNew: false, formerEmail: 'old@example.org', account: { id: first.account.id } });
    expect(await findAccountByEmail(dbOf(production), 'old@example.org')).toBeUndefined();
    const both = await Promise.all(
      [1, 2, 3].map((n) => opened(production, { ...MAYTE, umb: 'U-NEW' }, `n${n}@example.org`)),
    );
    expect(new Set(both.map(({ account }) => account.id)).size).toBe(1);
  });

  test('an address is changed unless it is another’s; a closed account is nobody’s', async () => {
    const { account } = await opened(sandbox, MAYTE, 'change@example.org');
    await opened(sandbox, JOHN, 'taken@example.org');
    const change = (email: string) => dbOf(sandbox).transaction((tx) => changeEmail(tx, sandbox, account, email, 'r1'));
    expect(await change('taken@example.org')).toBe(false);
    expect(await change('changed@example.org')).toBe(true);
    expect((await findAccountByEmail(dbOf(sandbox), 'changed@example.org'))?.id).toBe(account.id);
    await dbOf(sandbox).transaction((tx) => closeAccount(tx, sandbox, account, 'r1'));
    expect(await findAccount(dbOf(sandbox), account.id)).toBeUndefined();
    expect((await opened(sandbox, JOHN, 'changed@example.org')).isNew).toBe(true);
  });

  test('the record names accounts, never addresses', async () => {
    await opened(sandbox, MAYTE, 'record@example.org');
    const { rows } = await dbOf(sandbox).query<{ row: string }>('select audit_event::text as row from audit_event');
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.filter(({ row }) => row.includes('example.org') || row.includes('U-MAYTE'))).toEqual([]);
  });
});

describe('PA-20 the code that is sent to an address', () => {
  let n = 0;
  const fresh = () => ({ boundTo: `interaction-${++n}`, email: `code${n}@example.org` });
  const make = (to: { boundTo: string; email: string }) =>
    dbOf(sandbox).transaction((tx) => makeEmailCode(tx, sealer, to));
  const codeOf = async (to: { boundTo: string; email: string }): Promise<string> => {
    const made = await make(to);
    if (made.kind !== 'code') throw new Error(made.kind);
    return made.code;
  };
  const check = (to: { boundTo: string; email: string }, code: string) =>
    checkEmailCode(dbOf(sandbox), sealer, { ...to, code });
  const wrong = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
  const age = (seconds: number) =>
    dbOf(sandbox).query(
      `update email_code set sent_at = sent_at - make_interval(secs => $1), expires_at = expires_at - make_interval(secs => $1)`,
      [seconds],
    );

  test('is good once, also of eight at the same moment, however it is spaced', async () => {
    const to = fresh();
    const code = await codeOf(to);
    expect(code).toMatch(/^\d{6}$/);
    const results = await Promise.all([1, 2, 3, 4].map(() => check(to, ` ${code.slice(0, 3)} ${code.slice(3)}`)));
    expect(results.filter(({ kind }) => kind === 'right')).toHaveLength(1);
    expect(await check(to, code)).toEqual({ kind: 'gone' });
  });

  test('has five tries, counted down, also of thirty at the same moment', async () => {
    const to = fresh();
    const code = await codeOf(to);
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await check(to, wrong(code)));
    expect(answers).toEqual([
      { kind: 'wrong', triesLeft: 4 },
      { kind: 'wrong', triesLeft: 3 },
      { kind: 'wrong', triesLeft: 2 },
      { kind: 'wrong', triesLeft: 1 },
      { kind: 'gone' },
    ]);
    expect(await check(to, code)).toEqual({ kind: 'gone' });
    const many = fresh();
    const other = await codeOf(many);
    const all = await Promise.all(Array.from({ length: 30 }, () => check(many, wrong(other))));
    expect(all.filter(({ kind }) => kind === 'wrong')).toHaveLength(4);
  });

  test('lives ten minutes, and is good only for its address and for what it is bound to', async () => {
    const to = fresh();
    const code = await codeOf(to);
    expect(await check({ ...to, boundTo: 'other' }, code)).toEqual({ kind: 'gone' });
    expect(await check({ ...to, email: 'other@example.org' }, code)).toEqual({ kind: 'gone' });
    await age(601);
    expect(await check(to, code)).toEqual({ kind: 'gone' });
  });

  test('a new one is sent after 30 seconds and ends the one before; five an hour for an address', async () => {
    const to = fresh();
    const first = await codeOf(to);
    expect((await make(to)).kind).toBe('wait');
    await age(31);
    const second = await codeOf(to);
    if (first !== second) expect((await check(to, first)).kind).toBe('wrong');
    expect(await check(to, second)).toEqual({ kind: 'right' });
    for (let i = 0; i < 3; i++) await codeOf({ ...to, boundTo: `again-${i}` });
    expect(await make({ ...to, boundTo: 'sixth' })).toMatchObject({ kind: 'too-many' });
    // Nobody else is kept waiting by it.
    expect((await make(fresh())).kind).toBe('code');
  });

  test('is not in the database, nor a hash that six digits can be tried against', async () => {
    const to = fresh();
    const code = await codeOf(to);
    const { rows } = await dbOf(sandbox).query<{ row: string; mac: Buffer }>(
      'select email_code::text as row, mac from email_code where bound_to = $1',
      [to.boundTo],
    );
    expect(rows[0]?.row).not.toContain(code);
    const otherKey = makeSealer(randomBytes(32));
    const guess = `${sandbox.id}|${to.boundTo}|${to.email}|${code}`;
    expect(rows[0]?.mac.equals(sealer.mac(guess, 'email-code'))).toBe(true);
    expect(rows[0]?.mac.equals(otherKey.mac(guess, 'email-code'))).toBe(false);
  });
});
