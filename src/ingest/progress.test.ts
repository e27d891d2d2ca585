import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { FeedProgress } from './feed.ts';
import { makeProgressWriter } from './progress.ts';

const state: FeedProgress = { phase: 'reading', bytes: 25e6, bytesTotal: 100e6, read: 5_000, refused: 3, seconds: 10 };

function written(isTTY: boolean, states: readonly [at: number, state: FeedProgress][]): string {
  const out = Object.assign(new PassThrough(), { isTTY, columns: 120 });
  let now = 0;
  const write = makeProgressWriter(out, () => now);
  for (const [at, each] of states) {
    now = at;
    write(each);
  }
  return String(out.read() ?? '');
}

test('on a terminal: one line that is redrawn, with percent, rate and time left', () => {
  const text = written(true, [
    [0, state],
    [50, state],
    [300, { ...state, phase: 'done', bytes: 100e6 }],
  ]);
  expect(text.split('\r').length - 1).toBe(2);
  expect(text).toContain('[######..................] 25 %  5,000 resources  500/s  2.5 MB/s  3 refused  30 s left');
  expect(text).toContain('100 %');
  expect(text.endsWith('\n')).toBe(true);
});

test('otherwise: JSON lines, not more often than every five seconds', () => {
  const text = written(false, [
    [0, state],
    [4_000, state],
    [6_000, { ...state, bytesTotal: undefined }],
    [6_100, { ...state, phase: 'done' }],
  ]);
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each)),
  ).toEqual([
    { progress: 'reading', read: 5_000, refused: 3, bytes: 25e6, percent: 25, per_second: 500, seconds: 10 },
    { progress: 'reading', read: 5_000, refused: 3, bytes: 25e6, per_second: 500, seconds: 10 },
    { progress: 'done', read: 5_000, refused: 3, bytes: 25e6, percent: 100, per_second: 500, seconds: 10 },
  ]);
});
