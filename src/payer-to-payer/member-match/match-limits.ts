import type { DescribedMember } from '#/members/match/decide-match.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import type { Queryable, TenantConnection } from '#/platform/db/database.ts';
import type { TenantSettings } from '#/tenants/settings.ts';
import {
  deleteEndedAttempts,
  insertAttempts,
  lock,
  selectAttempts,
  selectFailures,
  sweepAttempts,
} from './match-store.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** Against guessing (HRex demands it; P2P-15): how long an identifier tried for a person counts. */
const IDENTIFIER_WINDOW_MS = 24 * 3_600_000;
/** How long a failed match counts. */
const FAILURE_WINDOW_MS = 3_600_000;

export type LimitDecision =
  | { readonly kind: 'within' }
  | { readonly kind: 'exceeded'; readonly limit: 'identifiers' | 'failures'; readonly retryAfterSeconds: number };

/**
 * Takes note of the identifiers that a client tries for a person, unless they are one too many: more than
 * `matchIdsPerPersonPerDay` distinct ones in 24 hours. Identifiers tried before are free, so a client that has the right
 * one can go on using it. Right also when requests come at the same time: each person is locked while it is counted.
 * Persons and identifiers are kept as hashes.
 */
export async function tryIdentifiers(
  tx: TenantConnection,
  client: string,
  described: DescribedMember,
  settings: TenantSettings,
  now: Date,
): Promise<LimitDecision> {
  const persons = personHashes(tx.tenantId, described);
  const identifiers = distinctHashes(described.identifiers.map(({ valueN }) => `id|${tx.tenantId}|${valueN}`));
  await lock(
    tx,
    persons.map((person) => `match-person|${tx.tenantId}|${client}|${person.toString('hex')}`),
  );
  const windowStart = new Date(now.getTime() - IDENTIFIER_WINDOW_MS);
  const known = await selectAttempts(tx, client, persons, windowStart);
  for (const person of persons) {
    const tried = known.filter((attempt) => attempt.person_hash.equals(person));
    const all = new Set(
      [...tried.map((attempt) => attempt.identifier_hash), ...identifiers].map((hash) => hash.toString('hex')),
    );
    const isNew = all.size > new Set(tried.map((attempt) => attempt.identifier_hash.toString('hex'))).size;
    if (isNew && all.size > settings.matchIdsPerPersonPerDay)
      return exceeded(
        'identifiers',
        tried.map((attempt) => attempt.tried_at),
        IDENTIFIER_WINDOW_MS,
        now,
      );
  }
  await deleteEndedAttempts(tx, client, persons, windowStart);
  await insertAttempts(tx, client, persons, identifiers, now);
  return { kind: 'within' };
}

/**
 * Has the client as many failed matches behind it as it may have in an hour? With `exclusive`, other requests of the
 * client wait until the caller's transaction has written its own failure, so that not one too many is ever answered.
 */
export async function countFailures(
  tx: TenantQueryable,
  client: string,
  settings: TenantSettings,
  now: Date,
  options: { readonly exclusive: boolean },
): Promise<LimitDecision> {
  if (options.exclusive) await lock(tx, [`match-failures|${tx.tenantId}|${client}`]);
  const failures = await selectFailures(
    tx,
    client,
    new Date(now.getTime() - FAILURE_WINDOW_MS),
    settings.matchFailuresPerHour,
  );
  return failures.length < settings.matchFailuresPerHour
    ? { kind: 'within' }
    : exceeded('failures', failures, FAILURE_WINDOW_MS, now);
}

/** Forgets attempts of everybody that no longer count. */
export async function forgetEndedAttempts(db: TenantQueryable, now: Date): Promise<void> {
  await sweepAttempts(db, new Date(now.getTime() - IDENTIFIER_WINDOW_MS));
}

/** It is worth while trying again when the oldest of what was counted falls out of the window. */
function exceeded(
  limit: 'identifiers' | 'failures',
  counted: readonly Date[],
  windowMs: number,
  now: Date,
): LimitDecision {
  const oldest = Math.min(...counted.map((at) => at.getTime()), now.getTime());
  const seconds = Math.ceil((oldest + windowMs - now.getTime()) / 1000);
  return { kind: 'exceeded', limit, retryAfterSeconds: Math.max(1, seconds) };
}

/** Family, first given name and birth date, as hashes; a further name is a person of its own, or adding one would reset the count. */
function personHashes(tenantId: number, { names, birthDate }: DescribedMember): readonly Buffer[] {
  return distinctHashes(names.map((name) => `person|${tenantId}|${name.familyN}|${name.givenN}|${birthDate}`));
}

/** Sorted: whoever locks several takes them in one order. */
function distinctHashes(texts: readonly string[]): readonly Buffer[] {
  return [...new Set(texts)].map((text) => sha256(text)).sort(Buffer.compare);
}
