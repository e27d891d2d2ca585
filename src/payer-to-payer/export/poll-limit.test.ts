import { expect, test } from 'vitest';
import { makePollLimit, POLL_BURST } from './poll-limit.ts';

const at = (seconds: number): Date => new Date(1_000_000_000_000 + seconds * 1000);

test('200 polls may come at once, the 201st waits a second (payer-to-payer.md 3.2)', () => {
  const limit = makePollLimit();
  for (let i = 0; i < POLL_BURST; i++) expect(limit.take('job', at(0))).toBe(0);
  expect(limit.take('job', at(0))).toBe(1);
  expect(limit.take('job', at(0.5))).toBe(1);
  expect(limit.take('job', at(1))).toBe(0);
  expect(limit.take('job', at(1))).toBe(1);
});

test('a client that polls once a second is never refused', () => {
  const limit = makePollLimit();
  for (let second = 0; second < 3600; second++) expect(limit.take('job', at(second))).toBe(0);
});

test('each job has a bucket of its own, and a clock that goes back gives nothing away', () => {
  const limit = makePollLimit();
  for (let i = 0; i < POLL_BURST; i++) limit.take('one', at(10));
  expect(limit.take('two', at(10))).toBe(0);
  expect(limit.take('one', at(0))).toBe(1);
});
