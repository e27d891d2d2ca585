import { randomInt } from 'node:crypto';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 25;

/** The form every id of a FHIR resource has. What is no such id is asked of nobody. */
const FHIR_ID = /^[A-Za-z0-9.-]{1,64}$/;

export const isGroupId = (id: string): boolean => FHIR_ID.test(id);

/** A new Group's id: 25 lower-case letters and digits in the manner of a cuid, 24 of them by chance (124 bits). */
export function newGroupId(): string {
  let id = 'c';
  while (id.length < LENGTH) id += LETTERS[randomInt(LETTERS.length)];
  return id;
}

/** A Group lives no longer than this, however long the consent (payer-to-payer.md 4.5). */
const GROUP_LIFE_MONTHS_MAX = 13;

/** When a group made now expires: with the last consent in it, at most 13 months from now. */
export function groupExpiry(now: Date, consentEndsAt: Date): Date {
  const latest = new Date(now);
  latest.setUTCMonth(latest.getUTCMonth() + GROUP_LIFE_MONTHS_MAX);
  // 31 January and 13 months is no 31 February: the month's last day stands for it.
  if (latest.getUTCDate() !== now.getUTCDate()) latest.setUTCDate(0);
  return latest < consentEndsAt ? latest : consentEndsAt;
}
