import { randomUUID } from 'node:crypto';
import { canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { readChangedSharedOfSlice, readDeletedOfSlice, readTypesOfSlice } from '#/fhir/store/export-changes.ts';
import { dropSlices, putSlices, readSharedLines } from '#/fhir/store/export-copy.ts';
import { compareHashes, compareSources, knowsSources, locate, locateTargets } from '#/fhir/store/locator.ts';
import { mergeBatch } from '#/fhir/store/merge.ts';
import { type PreparedResource, prepareResource } from '#/fhir/store/prepare.ts';
import * as resources from '#/fhir/store/read-resources.ts';
import { readContents, readKeys } from '#/fhir/store/resource-keys.ts';
import type { TenantDatabase, WriteTransaction } from '#/platform/db/database.ts';
import * as artifacts from '../../src/authorization/artifact-store.ts';
import * as keys from '../../src/authorization/key-store.ts';
import * as consents from '../../src/consent/consent-store.ts';
import * as feeds from '../../src/ingest/feed-store.ts';
import { noCounts, START } from '../../src/ingest/run.ts';
import * as matches from '../../src/members/match/match-store.ts';
import * as index from '../../src/members/match/member-index-store.ts';
import * as exports from '../../src/payer-to-payer/export/export-store.ts';
import * as fileKeys from '../../src/payer-to-payer/export/file-key-store.ts';
import * as notes from '../../src/payer-to-payer/export/note-store.ts';
import * as plans from '../../src/payer-to-payer/export/plan-store.ts';
import * as references from '../../src/payer-to-payer/export/reference-store.ts';
import { readStoredFiles } from '../../src/payer-to-payer/export/stored-file-store.ts';
import * as work from '../../src/payer-to-payer/export/work-store.ts';
import * as groups from '../../src/payer-to-payer/groups/group-store.ts';
import * as records from '../../src/payer-to-payer/member-match/match-store.ts';
import * as sandbox from '../../src/sandbox/sandbox-store.ts';
import * as labels from '../../src/sensitivity/label-store.ts';

import { ACCOUNT_READS, ACCOUNT_WRITES } from './account-store-calls.ts';

/** Things of one tenant, with which the functions of the stores are called for another. */
export interface Ids {
  readonly member: string;
  readonly mk: string;
  readonly rt: number;
  readonly id: string;
  readonly sharedRt: number;
  readonly sharedId: string;
  readonly job: string;
  readonly file: string;
  readonly group: string;
  readonly client: string;
  readonly consent: string;
  readonly match: string;
  readonly requestHash: Buffer;
  readonly personHash: Buffer;
  readonly identifier: string;
  readonly kind: number;
  readonly run: string;
  readonly fingerprint: string;
  readonly artifact: string;
  readonly grant: string;
  readonly kid: string;
  readonly account: string;
  readonly email: string;
  readonly umb: string;
  readonly codeMac: Buffer;
  readonly appGrant: string;
  readonly attemptKey: Buffer;
}

type Tx = WriteTransaction;
export type Call = (db: TenantDatabase, ids: Ids, tx: Tx) => Promise<unknown>;

const NO_HASH = new Uint8Array(16);
const LONG_AGO = new Date('2000-01-01');
const LATER = new Date('2100-01-01');
const claim = (ids: Ids) => ({ jobId: ids.job, slice: 1, attempt: 1, policy: 'regular' as const });
const members = (ids: Ids) => [{ mk: ids.mk, memberId: ids.member }];
const changes = (ids: Ids) => ({ jobId: ids.job, slice: 1, since: LONG_AGO, transactionTime: LATER });
const key = (ids: Ids) => ({ rt: ids.rt, id: ids.id });
const patient = (ids: Ids): PreparedResource => {
  const text = canonicalise(Buffer.from(JSON.stringify({ resourceType: 'Patient', id: ids.member, gender: 'other' })));
  return prepareResource(JSON.parse(text), text) as PreparedResource;
};

/** Every function of the stores that reads rows of a tenant: what it finds there of another tenant must be nothing. */
export const READS: Readonly<Record<string, Call>> = {
  readMemberResource: (db, ids) => resources.readMemberResource(db, ids.member, ids.rt, ids.id),
  readMemberResources: (db, ids) => resources.readMemberResources(db, ids.member, ids.rt, 10),
  readMemberResourceVersion: (db, ids) =>
    resources.readMemberResourceVersion(db, ids.member, { ...key(ids), version: 1 }),
  readSharedResource: (db, ids) => resources.readSharedResource(db, ids.member, ids.sharedRt, ids.sharedId),
  readCurrentByKey: (db, ids) => resources.readCurrentByKey(db, [key(ids), { rt: ids.sharedRt, id: ids.sharedId }]),
  readKeys: (db) => readKeys(db, undefined, 10),
  readContents: (db) => readContents(db, undefined, 10),
  selectApplied: (db) => labels.selectApplied(db),
  readSharedLines: (db, ids) => readSharedLines(db, { rt: ids.sharedRt, ids: [ids.sharedId], transactionTime: LATER }),
  readDeletedOfSlice: (db, ids) => readDeletedOfSlice(db, changes(ids), { rts: [ids.rt], after: undefined, limit: 10 }),
  readChangedSharedOfSlice: (db, ids) => readChangedSharedOfSlice(db, changes(ids), [ids.sharedRt]),
  readTypesOfSlice: (db, ids) => readTypesOfSlice(db, changes(ids)),
  locate: (_db, ids, tx) => locate(tx, [key(ids)]),
  locateTargets: (_db, ids, tx) => locateTargets(tx, [key(ids)]),
  compareHashes: async (_db, ids, tx) =>
    (await compareHashes(tx, [{ ...key(ids), owner: null, hash: NO_HASH, source: NO_HASH }])).different.size ||
    undefined,
  compareSources: async (_db, ids, tx) =>
    (await compareSources(tx, [{ ...key(ids), source: NO_HASH }])).size || undefined,
  knowsSources: async (_db, _ids, tx) => (await knowsSources(tx)) || undefined,
  selectArtifact: (db, ids) => artifacts.selectArtifact(db, 'AuthorizationCode', ids.artifact),
  selectByUid: (db, ids) => artifacts.selectByUid(db, 'Session', ids.artifact),
  selectKeys: (db) => keys.selectKeys(db),
  selectMatch: (db, ids) => records.selectMatch(db, ids.match),
  selectMatches: (db, ids) =>
    records.selectMatches(db, { client: ids.client, umbs: undefined, group: ids.group, since: LONG_AGO, limit: 10 }),
  selectCoverageLink: (db, ids) => records.selectCoverageLink(db, ids.match),
  selectKeptConsent: (db, ids) => consents.selectKeptConsent(db, ids.consent),
  lockKeysOfOthers: (_db, _ids, tx) => keys.lockKeysOfOthers(tx, 'another'),
  selectKeyIds: (db) => keys.selectKeyIds(db),
  selectConsents: (db, ids) => consents.selectConsents(db, [ids.consent]),
  selectBlocked: (db, ids) => consents.selectBlocked(db, members(ids)),
  takeWaiting: (_db, ids, tx) => feeds.takeWaiting(tx, ids.run, 10),
  selectCandidates: (db, ids) => matches.selectCandidates(db, [ids.identifier], 10),
  selectByIdentifier: (db, ids) => matches.selectByIdentifier(db, [ids.kind], ids.identifier),
  selectUmbs: (db, ids) => matches.selectUmbs(db, [ids.member]),
  selectNotMatchable: (db) => index.selectNotMatchable(db),
  countOpenJobs: async (_db, ids, tx) =>
    Object.values(await exports.countOpenJobs(tx, ids.client, ids.group)).filter((count) => count > 0),
  readStatus: (db, ids) => exports.readStatus(db, ids.job),
  readJob: (db, ids) => exports.readJob(db, ids.job),
  readFiles: (db, ids) => exports.readFiles(db, ids.job),
  readOwnedFile: (db, ids) => exports.readOwnedFile(db, ids.file),
  readGoneJobs: (db) => exports.readGoneJobs(db, LATER, 10),
  readKnownJobs: (db, ids) => exports.readKnownJobs(db, [ids.job]),
  readStoredFiles: (db) => readStoredFiles(db, undefined, 10),
  readFileKey: (db, ids) => fileKeys.readFileKey(db, ids.job),
  lockFileKeysOfOthers: (_db, _ids, tx) => fileKeys.lockFileKeysOfOthers(tx, 'another'),
  readNotes: (db, ids) => notes.readNotes(db, ids.job, undefined, 10),
  hasReferences: (db, ids) => references.hasReferences(db, ids.job),
  readReferences: (db, ids) =>
    references.readReferences(db, ids.job, { type: 'Organization', after: '', limit: 10, depth: undefined }),
  readSliceMembers: (db, ids) => work.readSliceMembers(db, ids.job, 1),
  readOpenSlices: (db, ids) => work.readOpenSlices(db, ids.job),
  readOpenParts: (db, ids) => work.readOpenParts(db, claim(ids)),
  isClaimValid: (db, ids) => work.isClaimValid(db, claim(ids)),
  selectGroup: (db, ids) => groups.selectGroup(db, ids.group),
  selectGroupMembers: (db, ids) => groups.selectGroupMembers(db, ids.group),
  selectMembershipsOfClient: (db, ids) => groups.selectMembershipsOfClient(db, ids.client, members(ids), LONG_AGO),
  selectAttempts: (db, ids) => records.selectAttempts(db, ids.client, [ids.personHash], LONG_AGO),
  selectFailures: (db, ids) => records.selectFailures(db, ids.client, LONG_AGO, 10),
  selectRepeated: (db, ids) => records.selectRepeated(db, ids.client, ids.requestHash),
  ...ACCOUNT_READS,
};

/** Every function of the stores that writes: whatever it is told, rows of the other tenant stay as they were. */
export const WRITES: Readonly<Record<string, Call>> = {
  mergeBatch: (_db, ids, tx) => mergeBatch(tx, [patient(ids)], [key(ids), { rt: ids.sharedRt, id: ids.sharedId }]),
  insertApplied: (_db, _ids, tx) => labels.insertApplied(tx, 'mine'),
  noteStored: (_db, _ids, tx) => labels.noteStored(tx, 'mine'),
  beginWalk: (db) => labels.beginWalk(db, 'mine'),
  saveWalk: (_db, _ids, tx) => labels.saveWalk(tx, { attempt: 1, after: undefined, checked: 1, changed: 1 }),
  endWalk: (_db, _ids, tx) => labels.endWalk(tx, { attempt: 1, after: undefined, checked: 1, changed: 1 }),
  putSlices: (_db, ids, tx) => putSlices(tx, ids.job, [{ slice: 1, members: members(ids) }]),
  dropSlices: (_db, ids, tx) => dropSlices(tx, ids.job, [1]),
  upsertArtifact: (db, ids) =>
    artifacts.upsertArtifact(db, { kind: 'AuthorizationCode', id: ids.artifact, payload: {}, expiresInSeconds: 60 }),
  insertOnce: (db, ids) =>
    artifacts.insertOnce(db, { kind: 'AuthorizationCode', id: ids.artifact, payload: {}, expiresInSeconds: 60 }),
  consumeArtifact: (db, ids) => artifacts.consumeArtifact(db, 'AuthorizationCode', ids.artifact, 0),
  deleteArtifact: (db, ids) => artifacts.deleteArtifact(db, 'AuthorizationCode', ids.artifact),
  deleteByGrant: (db, ids) => artifacts.deleteByGrant(db, ids.grant),
  purgeArtifacts: (db) => artifacts.purgeArtifacts(db),
  updateSealedKey: (_db, ids, tx) =>
    keys.updateSealedKey(tx, { kid: ids.kid, sealed: Buffer.from('x'), keyId: 'another' }),
  insertKey: (db, ids) =>
    keys.insertKey(db, {
      kid: ids.kid,
      alg: 'ES256',
      publicJwk: {},
      sealed: Buffer.from('x'),
      keyId: 'x',
      state: 'next',
    }),
  retireKeys: (_db, _ids, tx) => keys.retireKeys(tx, true, LATER),
  promoteNext: (_db, _ids, tx) => keys.promoteNext(tx, 'ES256', LATER),
  announceKeys: (_db, _ids, tx) => keys.announceKeys(tx),
  moveKeys: (db, ids) => keys.moveKeys(db, 'ES256', { promote: ids.kid, retire: [ids.kid] } as never, LATER),
  insertConsent: (db, ids) =>
    consents.insertConsent(db, {
      ...members(ids)[0]!,
      id: randomUUID(),
      client: ids.client,
      organization: undefined,
      policy: 'regular',
      startsAt: LONG_AGO,
      endsAt: LATER,
      evidence: undefined,
      resource: '{}',
      requestHash: ids.requestHash,
      receivedAt: LONG_AGO,
    }),
  insertBlocks: (db, ids) => consents.insertBlocks(db, members(ids), LATER),
  liftBlocks: (db, ids) => consents.liftBlocks(db, members(ids), LATER),
  openRun: (_db, ids, tx) =>
    feeds.openRun(tx, { fingerprint: ids.fingerprint, fullSnapshot: true, refusedFile: (id) => id }),
  checkpoint: (_db, ids, tx) =>
    feeds.checkpoint(tx, { id: ids.run, attempt: 1 }, { position: START, counts: noCounts(), refusedBytes: 0 }),
  closeRun: (_db, ids, tx) => feeds.closeRun(tx, { id: ids.run, attempt: 1 }),
  insertWaiting: (_db, ids, tx) =>
    feeds.insertWaiting(tx, ids.run, [{ file: 'f', line: 1, entry: undefined, content: '{}' }]),
  insertSeen: (_db, ids, tx) => feeds.insertSeen(tx, ids.run, [key(ids)]),
  notSeen: (db, ids) => feeds.notSeen(db, db.tenantId, ids.run, [key(ids)]),
  deleteIdentifiers: (db, ids) => index.deleteIdentifiers(db, [key(ids)]),
  deleteNames: (db, ids) => index.deleteNames(db, members(ids)),
  insertIdentifiers: (db, ids) =>
    index.insertIdentifiers(db, [
      {
        ...members(ids)[0]!,
        source: key(ids),
        kind: 1,
        valueN: ids.identifier,
        system: '',
        value: ids.identifier,
        dependent: null,
      } as never,
    ]),
  insertNames: (db, ids) =>
    index.insertNames(db, [
      {
        ...members(ids)[0]!,
        familyN: 'X',
        givenN: 'Y',
        birthDate: '2000-01-01',
        gender: null,
        postalCodes: [],
        umb: 'U',
      },
    ]),
  insertJob: (_db, ids, tx) =>
    exports.insertJob(tx, {
      id: randomUUID(),
      client: ids.client,
      groupId: ids.group,
      flavour: 'vendor',
      request: 'x',
      types: ['Patient'],
      retentionDays: 1,
      createdAt: LATER,
    } as never),
  cancelJob: (_db, ids, tx) => exports.cancelJob(tx, ids.job, LATER),
  cancelJobs: (_db, _ids, tx) => exports.cancelJobs(tx, LATER),
  failJob: (_db, ids, tx) => exports.failJob(tx, ids.job, LATER),
  failStaleJobs: (db) => exports.failStaleJobs(db, LATER, LATER),
  insertFileKey: (db, ids) =>
    fileKeys.insertFileKey(db, { jobId: ids.job, sealed: Buffer.from('x'), keyId: 'another' }),
  updateFileKey: (_db, ids, tx) =>
    fileKeys.updateFileKey(tx, { jobId: ids.job, sealed: Buffer.from('x'), keyId: 'another' }),
  deleteJob: (db, ids) => exports.deleteJob(db, ids.job),
  noteWithheld: (db, ids) => notes.noteWithheld(db, ids.job, members(ids)),
  insertNotes: (_db, ids, tx) =>
    notes.insertNotes(tx, ids.job, [{ slice: 0, subject: 's', sequence: 0, outcome: '{}' }]),
  insertPlan: (_db, ids, tx) =>
    plans.insertPlan(tx, ids.job, { transactionTime: LATER, now: LATER, slices: [], parts: [], notes: [] }),
  insertReferences: (_db, ids, tx) =>
    references.insertReferences(tx, ids.job, new Set([`Organization/${ids.sharedId}`]), 0),
  claimSlice: (db, ids) => work.claimSlice(db, ids.job, 1),
  requireClaim: (_db, ids, tx) => work.requireClaim(tx, claim(ids)),
  finishParts: (_db, ids, tx) => work.finishParts(tx, claim(ids), [], LATER),
  finishSlice: (_db, ids, tx) => work.finishSlice(tx, claim(ids)),
  completeJob: (_db, ids, tx) => work.completeJob(tx, claim(ids), LATER),
  insertGroup: (db, ids) =>
    groups.insertGroup(db, { id: ids.group, client: null, organization: null, createdAt: LATER, expiresAt: null }),
  insertGroupMembers: (db, ids) =>
    groups.insertGroupMembers(db, ids.group, [{ ...members(ids)[0]!, umb: 'U', consentId: null }], LATER),
  deleteGroupMembers: (db, ids) => groups.deleteGroupMembers(db, ids.group),
  deleteGroupsOfClients: (db) => groups.deleteGroupsOfClients(db),
  insertAttempts: (db, ids) => records.insertAttempts(db, ids.client, [ids.personHash], [ids.personHash], LATER),
  deleteEndedAttempts: (db, ids) => records.deleteEndedAttempts(db, ids.client, [ids.personHash], LATER),
  sweepAttempts: (db) => records.sweepAttempts(db, LATER),
  insertMatchRecord: (db, ids) =>
    records.insertMatchRecord(db, {
      id: randomUUID(),
      client: ids.client,
      organization: undefined,
      askedAt: LATER,
      requestHash: ids.requestHash,
      decision: 'no-match',
      reason: 'no-match',
      algorithm: 'x',
      notes: [],
      requestId: 'r',
      tokenId: 't',
    } as never),
  insertCoverageLink: (db, ids) =>
    records.insertCoverageLink(db, {
      ...members(ids)[0]!,
      matchId: ids.match,
      client: ids.client,
      resource: '{}',
      receivedAt: LATER,
    }),
  beginFill: (db) => sandbox.beginFill(db, '2026-01-01'),
  endFill: (db) => sandbox.endFill(db, LATER),
  restartFill: (db) => sandbox.restartFill(db, '2026-01-02'),
  ...ACCOUNT_WRITES,
};
