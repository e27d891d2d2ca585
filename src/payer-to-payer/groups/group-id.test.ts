import { expect, test } from 'vitest';
import { groupExpiry, isGroupId, newGroupId } from './group-id.ts';

test('ids are 25 lower-case letters and digits, and never the same', () => {
  const ids = Array.from({ length: 1000 }, newGroupId);
  expect(ids.every((id) => /^c[a-z0-9]{24}$/.test(id) && isGroupId(id))).toBe(true);
  expect(new Set(ids).size).toBe(1000);
});

test('a group expires with the consent, at most 13 months on (payer-to-payer.md 4.5)', () => {
  const at = (now: string, end: string) => groupExpiry(new Date(now), new Date(end)).toISOString();
  expect(at('2026-06-01T12:00:00Z', '2026-07-01T00:00:00Z')).toBe('2026-07-01T00:00:00.000Z');
  expect(at('2026-06-01T12:00:00Z', '2035-01-31T00:00:00Z')).toBe('2027-07-01T12:00:00.000Z');
  expect(at('2026-01-31T12:00:00Z', '2035-01-31T00:00:00Z')).toBe('2027-02-28T12:00:00.000Z');
  expect(at('2026-12-15T12:00:00Z', '2035-01-31T00:00:00Z')).toBe('2028-01-15T12:00:00.000Z');
});
