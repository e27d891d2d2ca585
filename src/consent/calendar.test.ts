import { expect, test } from 'vitest';
import { spanOf } from './calendar.ts';

const span = (text: string, zone = 'America/New_York'): string[] | undefined => {
  const found = spanOf(text, zone);
  return found && [found.start.toISOString(), found.end.toISOString()];
};

test('a day is meant in the time zone of the plan, both ends inclusive (payer-to-payer.md 1.6, check 3)', () => {
  expect(span('2026-01-31')).toEqual(['2026-01-31T05:00:00.000Z', '2026-02-01T04:59:59.999Z']);
  expect(span('2026-01-31', 'UTC')).toEqual(['2026-01-31T00:00:00.000Z', '2026-01-31T23:59:59.999Z']);
  expect(span('2026-01-31', 'Pacific/Kiritimati')).toEqual(['2026-01-30T10:00:00.000Z', '2026-01-31T09:59:59.999Z']);
});

test('days on which clocks change have 23 and 25 hours', () => {
  expect(span('2026-03-08')).toEqual(['2026-03-08T05:00:00.000Z', '2026-03-09T03:59:59.999Z']);
  expect(span('2026-11-01')).toEqual(['2026-11-01T04:00:00.000Z', '2026-11-02T04:59:59.999Z']);
});

test('where clocks jump over midnight the day begins after the jump', () => {
  expect(span('2018-11-04', 'America/Sao_Paulo')?.[0]).toBe('2018-11-04T03:00:00.000Z');
});

test('a year and a month are spans too, and an instant is its second', () => {
  expect(span('2026', 'UTC')).toEqual(['2026-01-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z']);
  expect(span('2026-02', 'UTC')).toEqual(['2026-02-01T00:00:00.000Z', '2026-02-28T23:59:59.999Z']);
  expect(span('2026-02-03T10:00:00-05:00')).toEqual(['2026-02-03T15:00:00.000Z', '2026-02-03T15:00:00.999Z']);
  expect(span('2026-02-03T10:00:00.250Z')).toEqual(['2026-02-03T10:00:00.250Z', '2026-02-03T10:00:00.250Z']);
});

test.each([
  '',
  '2026-13',
  '2026-02-30',
  '2026-2-3',
  '2026-02-03T10:00',
  '2026-02-03T25:00:00Z',
  '0000-01-01',
  'soon',
  '2026-01-01 ',
])('%j is no dateTime', (text) => {
  expect(span(text)).toBeUndefined();
});
