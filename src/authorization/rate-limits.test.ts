import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/support/test-database.ts';
import { makeRateLimits, purgeHits, secondsToNextWindow } from './rate-limits.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
  await pastTheMinute();
});
afterAll(() => db.drop());

/** A window that ended within a test would hide what is tested. */
async function pastTheMinute(): Promise<void> {
  const left = secondsToNextWindow(new Date());
  if (left < 8) await new Promise((resolve) => setTimeout(resolve, (left + 0.5) * 1_000));
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

test('of 500 hits at once, from two processes, each gets a place of its own', async () => {
  const processes = [makeRateLimits(db.database), makeRateLimits(db.database)];
  const counts = await Promise.all(upTo(500).map((i) => processes[i % 2]!.count(1, { add: 'busy' })));
  expect(counts.map(({ added }) => added).sort((a, b) => a - b)).toEqual(upTo(500));
});

test('keys do not mix, nor do tenants', async () => {
  const limits = makeRateLimits(db.database);
  const counts = await Promise.all([
    ...upTo(20).map((i) => limits.count(1, { add: `a${i % 4}` })),
    ...upTo(5).map(() => limits.count(2, { add: 'a0' })),
  ]);
  expect(counts.slice(0, 20).map(({ added }) => added)).toEqual(upTo(20).map((i) => Math.ceil(i / 4)));
  expect(counts.slice(20).map(({ added }) => added)).toEqual(upTo(5));
});

test('looking counts nothing and sees what came before', async () => {
  const limits = makeRateLimits(db.database);
  const look = () => limits.count(1, { look: 'seen' });
  expect(await look()).toEqual({ added: 0, seen: 0 });
  const [, first, , second] = await Promise.all([
    limits.count(1, { add: 'seen' }),
    look(),
    limits.count(1, { add: 'seen' }),
    limits.count(1, { add: 'other', look: 'seen' }),
  ]);
  expect(first.seen).toBe(1);
  expect(second).toEqual({ added: 1, seen: 2 });
  expect(await look()).toEqual({ added: 0, seen: 2 });
});

test('the count of a minute ago is over, and goes in the sweep', async () => {
  const limits = makeRateLimits(db.database);
  await limits.count(1, { add: 'old' });
  await db.database
    .tenant(1)
    .query(`update rate_bucket set window_start = window_start - interval '11 minutes' where key = 'old'`);
  expect((await limits.count(1, { add: 'old' })).added).toBe(1);
  expect(await purgeHits(db.database, 1)).toBe(1);
  expect((await limits.count(1, { look: 'old' })).seen).toBe(1);
});

test('when the database is gone every waiting hit fails, and none waits for ever', async () => {
  const limits = makeRateLimits({
    tenant: () => ({ read: async () => Promise.reject(new Error('gone')) }),
  } as never);
  const results = await Promise.allSettled(upTo(5).map(() => limits.count(1, { add: 'x' })));
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
});
