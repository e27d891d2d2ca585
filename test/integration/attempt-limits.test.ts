import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AttemptRule, beginAttempt, forgive, handBack, purgeAttempts } from '#/members/limits/attempt-limits.ts';
import type { TenantDatabase } from '#/platform/db/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

const RULE: AttemptRule = { failuresMax: 5, windowSeconds: 900, lockSeconds: 900, lockSecondsMax: 86_400 };

let test_: TestDatabase;
let db: TenantDatabase;
beforeAll(async () => {
  test_ = await createTestDatabase();
  db = test_.database.tenant((await test_.tenant('limits')).id);
});
afterAll(() => test_.drop());

/** Moves the stored times of all keys back, as if so much time had passed. */
const pass = (seconds: number) =>
  db.query(
    `update attempt_limit set window_start = window_start - make_interval(secs => $2), locked_until = locked_until - make_interval(secs => $2)
      where tenant_id = $1`,
    [db.tenantId, seconds],
  );
const lockSeconds = async (keys: readonly { name: string; rule: AttemptRule }[]): Promise<number> => {
  const attempt = await beginAttempt(db, keys);
  return attempt.kind === 'locked' ? Math.round((attempt.until.getTime() - Date.now()) / 1000) : 0;
};

test('AUTH-20 of thirty attempts at once exactly five get through', async () => {
  const keys = [{ name: 'parallel', rule: RULE }];
  const attempts = await Promise.all(Array.from({ length: 30 }, () => beginAttempt(db, keys)));
  expect(attempts.filter(({ kind }) => kind === 'open')).toHaveLength(5);
  expect(attempts.filter(({ kind }) => kind === 'locked')).toHaveLength(25);
});

test('each failure is counted down; an attempt that was right starts anew', async () => {
  const keys = [{ name: 'count', rule: RULE }];
  const left: number[] = [];
  for (let i = 0; i < 5; i++) {
    const attempt = await beginAttempt(db, keys);
    left.push(attempt.kind === 'open' ? attempt.failuresLeft : -1);
  }
  expect(left).toEqual([4, 3, 2, 1, 0]);
  // The fifth was right after all.
  await forgive(db, keys);
  expect(await beginAttempt(db, keys)).toEqual({ kind: 'open', failuresLeft: 4 });
});

test('locks double, up to a day, and are forgotten a day after the last', async () => {
  const keys = [{ name: 'doubling', rule: RULE }];
  const fail5 = async () => {
    for (let i = 0; i < 5; i++) await beginAttempt(db, keys);
  };
  const locks: number[] = [];
  for (let round = 0; round < 9; round++) {
    await fail5();
    const seconds = await lockSeconds(keys);
    locks.push(Math.round(seconds / 900));
    await pass(seconds + 5);
  }
  expect(locks).toEqual([1, 2, 4, 8, 16, 32, 64, 96, 96]);
  await pass(86_400);
  await fail5();
  expect(Math.round((await lockSeconds(keys)) / 900)).toBe(1);
});

test('failures of an earlier window no longer count', async () => {
  const keys = [{ name: 'window', rule: RULE }];
  for (let i = 0; i < 4; i++) await beginAttempt(db, keys);
  await pass(901);
  expect(await beginAttempt(db, keys)).toEqual({ kind: 'open', failuresLeft: 4 });
});

test('a key that is locked costs the other nothing; what was not tried is handed back', async () => {
  const one = { name: 'one', rule: RULE };
  const locked = { name: 'locked', rule: { ...RULE, failuresMax: 1 } };
  await beginAttempt(db, [locked]);
  for (let i = 0; i < 20; i++) expect((await beginAttempt(db, [one, locked])).kind).toBe('locked');
  expect(await beginAttempt(db, [one])).toEqual({ kind: 'open', failuresLeft: 4 });
  await handBack(db, [one]);
  expect(await beginAttempt(db, [one])).toEqual({ kind: 'open', failuresLeft: 4 });
});

test('old counts are deleted, live ones and locks stay; the table holds hashes only', async () => {
  await pass(4 * 86_400);
  await beginAttempt(db, [{ name: 'fresh', rule: RULE }]);
  await purgeAttempts(db);
  const rows = await db.query('select key from attempt_limit where tenant_id = $1', [db.tenantId]);
  expect(rows.rows.map(({ key }) => key.length)).toEqual([32]);
});
