import * as states from '../../src/authorization/interaction/interaction-state-store.ts';
import * as grants from '../../src/consent/grants/grant-store.ts';
import * as accounts from '../../src/members/accounts/account-store.ts';
import * as codes from '../../src/members/accounts/email-code-store.ts';
import * as attempts from '../../src/members/limits/attempt-store.ts';
import * as representatives from '../../src/members/people/representative-store.ts';
import type { Call, Ids } from './store-calls.ts';

/** What the account of the other tenant is bound to, and the login that stands for it. */
export const ACCOUNT_THINGS = { boundTo: 'interaction', issuer: 'https://login.example', subject: 'subject' } as const;

const RULE = { failuresMax: 1_000, windowSeconds: 900, lockSeconds: 900, lockSecondsMax: 900 };
const verified = (ids: Ids) => ({
  umb: ids.umb,
  patientId: ids.member,
  verifiedBy: 'match-email' as const,
  ial: 'match',
  email: ids.email,
});

const newGrant = (ids: Ids) => ({
  id: ids.appGrant,
  clientId: ids.client,
  accountId: ids.account,
  umb: ids.umb,
  patientId: ids.member,
  relatedPersonId: undefined,
  segment: 'patient-access' as const,
  scopes: ['patient/*.rs'],
  releasesSensitive: false,
  ial: 'match',
  acr: undefined,
  expiresAt: new Date('2100-01-01'),
});

export const ACCOUNT_READS: Readonly<Record<string, Call>> = {
  selectAccount: (db, ids) => accounts.selectAccount(db, ids.account),
  selectAccountByEmail: (db, ids) => accounts.selectAccountByEmail(db, ids.email),
  selectAccountByIdentity: (db) => accounts.selectAccountByIdentity(db, ACCOUNT_THINGS.issuer, ACCOUNT_THINGS.subject),
  selectLastingAccountOf: (db, ids) => accounts.selectLastingAccountOf(db, ids.umb),
  selectSentSeconds: (db, ids) => codes.selectSentSeconds(db, ACCOUNT_THINGS.boundTo, ids.email),
  takeTry: (db, ids) => codes.takeTry(db, ACCOUNT_THINGS.boundTo, ids.email, 5),
  selectGrant: (db, ids) => grants.selectGrant(db, ids.appGrant),
  selectGrantsOf: (db, ids) => grants.selectGrantsOf(db, { umb: ids.umb }),
  selectRepresented: (db, ids) => representatives.selectRepresented(db, ids.umb),
  selectState: async (db) => Object.keys(await states.selectState(db, ACCOUNT_THINGS.boundTo)),
};

export const ACCOUNT_WRITES: Readonly<Record<string, Call>> = {
  closeExpiredAccount: (db, ids) => accounts.closeExpiredAccount(db, ids.email),
  insertAccount: (db, ids) => accounts.insertAccount(db, verified(ids), 30),
  updateVerified: (db, ids) => accounts.updateVerified(db, ids.account, verified(ids)),
  updateEmail: (db, ids) => accounts.updateEmail(db, ids.account, 'x@example.org'),
  markSignIn: (db, ids) => accounts.markSignIn(db, ids.account),
  markClosed: (db, ids) => accounts.markClosed(db, ids.account),
  deleteAccounts: (db) => accounts.deleteAccounts(db),
  insertIdentity: (db, ids) =>
    accounts.insertIdentity(db, { ...ACCOUNT_THINGS, accountId: ids.account, acr: undefined }),
  upsertCode: (db, ids) =>
    codes.upsertCode(db, {
      boundTo: ACCOUNT_THINGS.boundTo,
      email: ids.email,
      mac: Buffer.alloc(32),
      lifetimeSeconds: 600,
    }),
  deleteCode: (db, ids) => codes.deleteCode(db, ACCOUNT_THINGS.boundTo, ids.codeMac),
  purgeCodes: (db) => codes.purgeCodes(db),
  reserveAttempt: (db, ids) => attempts.reserveAttempt(db, ids.attemptKey, RULE),
  releaseAttempt: (db, ids) => attempts.releaseAttempt(db, ids.attemptKey),
  deleteAttempts: (db, ids) => attempts.deleteAttempts(db, [ids.attemptKey]),
  deleteOldAttempts: (db) => attempts.deleteOldAttempts(db),
  insertGrant: (db, ids) => grants.insertGrant(db, newGrant(ids)),
  updateRevoked: (db, ids) => grants.updateRevoked(db, ids.appGrant, 'member'),
  noteGrantUse: (db, ids) => grants.noteGrantUse(db, ids.appGrant, 0),
  deleteGrants: (db) => grants.deleteGrants(db),
  upsertRepresentative: (db, ids) =>
    representatives.upsertRepresentative(db, {
      umb: ids.umb,
      patientId: ids.member,
      relatedPersonId: 'r',
      endsAt: undefined,
    }),
  deleteRepresentative: (db, ids) => representatives.deleteRepresentative(db, ids.umb, ids.member),
  upsertState: (db) => states.upsertState(db, ACCOUNT_THINGS.boundTo, { language: 'es' }),
  deleteState: (db) => states.deleteState(db, ACCOUNT_THINGS.boundTo),
  purgeStates: (db) => states.purgeStates(db),
};
