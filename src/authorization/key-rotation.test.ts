import { expect, test } from 'vitest';
import {
  KEY_PUBLISHED_BEFORE_HOURS,
  KEY_RETIRING_HOURS,
  KEY_ROTATION_DAYS,
  type KeyInTime,
  keySteps,
} from './key-rotation.ts';

const BORN = new Date('2026-01-01T00:00:00Z');
const hoursLater = (hours: number): Date => new Date(BORN.getTime() + hours * 3_600_000);
const key = (kid: string, state: KeyInTime['state'], hours = 0): KeyInTime => ({
  kid,
  state,
  since: hoursLater(hours),
});
const ROTATION = KEY_ROTATION_DAYS * 24;
const PUBLISH = ROTATION - KEY_PUBLISHED_BEFORE_HOURS;
const NOTHING = { publish: false, promote: undefined, retire: [] };

test('the next key is published 24 hours before it is needed, and not earlier', () => {
  expect(keySteps([key('a', 'current')], hoursLater(PUBLISH - 0.01))).toEqual(NOTHING);
  expect(keySteps([key('a', 'current')], hoursLater(PUBLISH))).toEqual({ ...NOTHING, publish: true });
});

test('a second one is not made while one waits', () => {
  expect(keySteps([key('a', 'current'), key('b', 'next', PUBLISH)], hoursLater(PUBLISH + 1))).toEqual(NOTHING);
});

test('the next key signs when the current one has done its 90 days and it was published for 24 hours, both', () => {
  const inTime = [key('a', 'current'), key('b', 'next', PUBLISH)];
  expect(keySteps(inTime, hoursLater(ROTATION - 0.01)).promote).toBeUndefined();
  expect(keySteps(inTime, hoursLater(ROTATION)).promote).toBe('b');
  // The program was off when it should have been published.
  const late = [key('a', 'current'), key('b', 'next', ROTATION + 100)];
  expect(keySteps(late, hoursLater(ROTATION + 101)).promote).toBeUndefined();
  expect(keySteps(late, hoursLater(ROTATION + 124)).promote).toBe('b');
});

test('a key that signs no more stays published until its last token is out', () => {
  const keys = [key('b', 'current'), key('a', 'retiring')];
  expect(keySteps(keys, hoursLater(KEY_RETIRING_HOURS - 0.01)).retire).toEqual([]);
  expect(keySteps(keys, hoursLater(KEY_RETIRING_HOURS)).retire).toEqual(['a']);
});

test('without a current key nothing is due: the first one is made at its first use', () => {
  expect(keySteps([], hoursLater(ROTATION))).toEqual(NOTHING);
});
