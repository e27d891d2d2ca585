import { randomUUID } from 'node:crypto';
import { type AuditEvent, recordAudit } from '#/audit/audit.ts';
import type { AccessContext } from '#/authorization/access.ts';
import { MATCH_ALGORITHM, type MatchResult } from '#/members/match/decide-match.ts';
import { memberAuditKey } from '#/members/umb.ts';
import type { TenantConnection } from '#/platform/db/database.ts';
import type { LimitDecision } from './match-limits.ts';
import { insertMatchRecord, type MatchRecord } from './match-store.ts';

/** Where a request came from, for the audit record. */
export interface MatchCall {
  readonly endpoint: 'standard' | 'founding' | 'founding-sandbox';
  readonly address: string;
  /** SHA-256 of what was sent: the same request of the same client is one match. */
  readonly requestHash: Buffer;
}

export type Matched = Extract<MatchResult, { kind: 'one' }>;

export interface MatchRecorder {
  /** `reason` is for the plan's own eyes: the step that left nobody, the consent check that failed. */
  refusal(tx: TenantConnection, decision: MatchRecord['decision'], reason?: string, match?: Matched): Promise<void>;
  limited(tx: TenantConnection, limit: Extract<LimitDecision, { kind: 'exceeded' }>): Promise<void>;
  /** @returns id of the match record */
  accepted(tx: TenantConnection, match: Matched, consentId: string, groupId: string): Promise<string>;
}

/** Writes what was decided: one row for the plan, one event for the audit, in the caller's transaction. */
export function makeRecorder(
  access: AccessContext,
  warnings: readonly string[],
  call: MatchCall,
  now: Date,
): MatchRecorder {
  const keyOf = (match: Matched): string => memberAuditKey(access.tenant.id, match.umb);
  const event = (of: Pick<AuditEvent, 'action' | 'outcome' | 'subject' | 'memberKey' | 'facts'>): AuditEvent => ({
    ...of,
    client: access.client,
    organization: access.organization?.id,
    requestId: access.requestId,
    tokenId: access.tokenId,
    address: call.address,
    facts: { endpoint: call.endpoint, ...of.facts },
  });
  const row = (of: Pick<MatchRecord, 'id' | 'decision' | 'reason' | 'notes' | 'member'>): MatchRecord => ({
    ...of,
    client: access.client,
    organization: access.organization?.id,
    askedAt: now,
    requestHash: call.requestHash,
    algorithm: MATCH_ALGORITHM,
    requestId: access.requestId,
    tokenId: access.tokenId,
  });
  return {
    async refusal(tx: TenantConnection, decision: MatchRecord['decision'], reason?: string, match?: Matched) {
      const id = randomUUID();
      const member = match && { ...match.records[0]!, umb: match.umb, consentId: undefined, groupId: undefined };
      await insertMatchRecord(tx, row({ id, decision, reason, notes: match?.notes ?? [], ...(member && { member }) }));
      const facts = { reason: decision === 'consent' ? reason : decision, algorithm: MATCH_ALGORITHM, warnings };
      await recordAudit(
        tx,
        event({ action: 'match.refused', outcome: 'refused', subject: id, memberKey: match && keyOf(match), facts }),
      );
    },
    async limited(tx: TenantConnection, { limit }: Extract<LimitDecision, { kind: 'exceeded' }>) {
      await recordAudit(tx, event({ action: 'match.limited', outcome: 'refused', facts: { limit, alert: true } }));
    },
    async accepted(tx: TenantConnection, match: Matched, consentId: string, groupId: string): Promise<string> {
      const id = randomUUID();
      const member = { ...match.records[0]!, umb: match.umb, consentId, groupId };
      await insertMatchRecord(tx, row({ id, decision: 'accepted', reason: undefined, notes: match.notes, member }));
      const facts = { consent: consentId, algorithm: MATCH_ALGORITHM, notes: match.notes, warnings };
      await recordAudit(
        tx,
        event({ action: 'match.accepted', outcome: 'success', subject: groupId, memberKey: keyOf(match), facts }),
      );
      return id;
    },
  };
}
