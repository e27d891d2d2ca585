import { isIP } from 'node:net';
import type { Queryable, TenantConnection } from '#/platform/db/database.ts';
import type { AuditAction } from './events.ts';

/** Who did what to whose data, and what came of it. Holds identifiers, codes and counts; no personal data in clear. */
export interface AuditEvent {
  readonly action: AuditAction;
  readonly outcome: 'success' | 'refused' | 'failure';
  readonly client?: string | undefined;
  readonly organization?: string | undefined;
  /** A hash that stands for the member (`memberAuditKey`); never the member's id. */
  readonly memberKey?: string | undefined;
  /** What it was done to: a job, a group, a file, a client. */
  readonly subject?: string | undefined;
  readonly requestId?: string | undefined;
  readonly tokenId?: string | undefined;
  readonly address?: string | undefined;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Writes events of one tenant in the caller's transaction, so that they exist exactly when the change does. */
export async function recordAudit(
  transaction: Pick<TenantConnection, 'tenantId' | 'query'>,
  ...events: readonly AuditEvent[]
): Promise<void> {
  await insertEvents(transaction, transaction.tenantId, events);
}

/**
 * Writes many events of one tenant in one statement.
 *
 * @internal shared with the group commit of reads
 */
export async function insertEvents(
  queryable: Queryable,
  tenantId: number,
  events: readonly AuditEvent[],
): Promise<void> {
  if (events.length === 0) return;
  await queryable.query(
    `insert into audit_event (tenant_id, action, outcome, client, organization, member_key, subject, request_id, token_id, address, facts)
     select $1, e.action, e.outcome, e.client, e.organization, e.member_key, e.subject, e.request_id, e.token_id, e.address::inet, coalesce(e.facts, '{}')
       from jsonb_to_recordset($2) as e (action text, outcome text, client text, organization text, member_key text,
            subject text, request_id text, token_id text, address text, facts jsonb)`,
    [
      tenantId,
      JSON.stringify(
        events.map((event) => ({
          ...event,
          member_key: event.memberKey,
          request_id: event.requestId,
          token_id: event.tokenId,
          address: addressOf(event),
        })),
      ),
    ],
  );
}

/**
 * What a proxy wrote into X-Forwarded-For may be no address (`unknown`, a host name), and an IPv6 zone means nothing on
 * another machine: neither must keep the event from being written.
 */
function addressOf({ address }: AuditEvent): string | undefined {
  const bare = address?.split('%')[0] ?? '';
  return isIP(bare) === 0 ? undefined : bare;
}
