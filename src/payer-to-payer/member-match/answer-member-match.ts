import { randomUUID } from 'node:crypto';
import type { AccessContext } from '#/authorization/access.ts';
import { decideConsent } from '#/consent/consent.ts';
import { isBlocked, keepConsent, numbersOf, sensitiveDataOf } from '#/consent/consents.ts';
import { compareWith } from '#/consent/payer-identifiers.ts';
import { matchMember } from '#/members/match/find-members.ts';
import { memberNamespaceOf } from '#/members/umb.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import type { Database, TenantConnection } from '#/platform/db/database.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { makeMatchGroup, membersWithConsentNow, readGroupForClient } from '../groups/groups.ts';
import { countFailures, forgetEndedAttempts, type LimitDecision, tryIdentifiers } from './match-limits.ts';
import { type MatchRefusalCode, matchRefusal } from './match-outcomes.ts';
import { type MatchCall, type Matched, makeRecorder } from './match-recorder.ts';
import { insertCoverageLink, lock, selectRepeated } from './match-store.ts';
import type { MemberMatchRequest } from './parse-member-match.ts';

export interface MemberMatchDeps {
  readonly database: Database;
  readonly tenants: Tenants;
  readonly clock: Clock;
}

/** The handle of a matched member. */
export interface MemberMatchAnswer {
  readonly umb: string;
  readonly memberNamespace: string;
  /** Id of the Patient. */
  readonly memberId: string;
  readonly groupId: string;
}

/**
 * Answers one `$member-match`: limits, match, consent, and the group to export. Every decision is in the match record and
 * in the audit record before the caller hears of it; a refusal discloses nothing but its own reason.
 *
 * @throws FhirRefusal with the outcomes of payer-to-payer.md 1.7
 *
 * Source: HRex, operation member-match; payer-to-payer.md 1.4 to 1.6; P2P-1, 7, 8, 10, 14, 15.
 */
export async function answerMemberMatch(
  access: AccessContext,
  request: MemberMatchRequest,
  call: MatchCall,
  deps: MemberMatchDeps,
): Promise<MemberMatchAnswer> {
  const { tenant, client } = access;
  const db = deps.database.tenant(tenant.id);
  const now = deps.clock.now();
  const record = makeRecorder(access, request.warnings, call, now);

  if (namesAnotherPayer(request, access))
    return db.transaction((tx) => record.refusal(tx, 'wrong-payer')).then(refuse('wrong-payer'));

  const limit = await db.transaction(async (tx) => {
    const failures = await countFailures(tx, client, tenant.settings, now, { exclusive: false });
    const decision =
      failures.kind === 'within' ? await tryIdentifiers(tx, client, request.described, tenant.settings, now) : failures;
    if (decision.kind === 'exceeded') await record.limited(tx, decision);
    return decision;
  });
  if (limit.kind === 'exceeded') throw limited(limit);

  const memberNamespace = memberNamespaceOf(deps.tenants, tenant);
  const match = await matchMember(db, tenant, memberNamespace, request.described);
  if (match.kind !== 'one') {
    await forgetEndedAttempts(db, now);
    const code = match.kind === 'none' ? 'no-match' : 'multiple-matches';
    const late = await db.transaction(async (tx) => {
      const failures = await countFailures(tx, client, tenant.settings, now, { exclusive: true });
      if (failures.kind === 'exceeded') await record.limited(tx, failures);
      else await record.refusal(tx, code, match.kind === 'none' ? match.step : `${match.count} persons`);
      return failures;
    });
    throw late.kind === 'exceeded' ? limited(late) : matchRefusal(code);
  }

  const consent = decideConsent(request.consent, {
    now,
    timeZone: tenant.settings.timeZone,
    environment: access.environment,
    caller: access.organization,
    ownNumbers: numbersOf(tenant),
    blocked: await isBlocked(db, match.records),
    sensitiveData: sensitiveDataOf(tenant),
  });
  if (consent.kind === 'refused')
    return db.transaction((tx) => record.refusal(tx, 'consent', consent.code, match)).then(refuse(consent.code));

  const groupId = await db.transaction(async (tx) => {
    await lock(tx, [`match-request|${tenant.id}|${client}|${call.requestHash.toString('hex')}`]);
    const repeated = await usableRepeat(tx, access, call, match, now);
    const consentId = repeated?.consentId ?? randomUUID();
    const member = match.records[0]!;
    if (!repeated)
      await keepConsent(tx, {
        ...member,
        id: consentId,
        client,
        organization: access.organization?.id,
        policy: consent.policy,
        startsAt: consent.startsAt,
        endsAt: consent.endsAt,
        evidence: request.consent.evidence,
        resource: request.consentText,
        requestHash: call.requestHash,
        receivedAt: now,
      });
    const group =
      repeated?.groupId ??
      (await makeMatchGroup(tx, {
        client,
        organization: access.organization?.id,
        umb: match.umb,
        records: match.records,
        consentId,
        consentEndsAt: consent.endsAt,
        now,
      }));
    const matchId = await record.accepted(tx, match, consentId, group);
    if (request.coverageToLinkText !== undefined)
      await insertCoverageLink(tx, {
        ...member,
        matchId,
        client,
        resource: request.coverageToLinkText,
        receivedAt: now,
      });
    return group;
  });
  return { umb: match.umb, memberNamespace, memberId: match.records[0]!.memberId, groupId };
}

/** An NPI or payer id in CoverageToMatch.payor that is known not to be ours (payer-to-payer.md 1.5, step 8). */
function namesAnotherPayer(request: MemberMatchRequest, access: AccessContext): boolean {
  const own = numbersOf(access.tenant);
  const compared = request.payors.flatMap((payor) => payor.map((identifier) => compareWith(identifier, own)));
  return compared.includes('other') && !compared.includes('same');
}

/** The same request again yields the same group, while that still stands for the same records and its consent holds. */
async function usableRepeat(
  tx: TenantConnection,
  access: AccessContext,
  call: MatchCall,
  match: Matched,
  now: Date,
): Promise<{ consentId: string; groupId: string } | undefined> {
  const earlier = await selectRepeated(tx, access.client, call.requestHash);
  if (!earlier || earlier.umb !== match.umb) return undefined;
  const group = await readGroupForClient(tx, earlier.group_id, access.client, now);
  if (group.kind !== 'ok') return undefined;
  const members = await membersWithConsentNow(tx, access.tenant, earlier.group_id, now);
  const same =
    members.every((member) => member.kind === 'shared') &&
    members.length === match.records.length &&
    match.records.every((record) => members.some((member) => member.memberId === record.memberId));
  return same ? { consentId: earlier.consent_id, groupId: earlier.group_id } : undefined;
}

function limited(decision: Extract<LimitDecision, { kind: 'exceeded' }>): Error {
  return matchRefusal('rate-limited', { retryAfterSeconds: decision.retryAfterSeconds });
}

function refuse(code: MatchRefusalCode): () => never {
  return () => {
    throw matchRefusal(code);
  };
}
