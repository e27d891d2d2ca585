import type { Queryable } from '#/platform/db/database.ts';
import type { AuditAction } from './events.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** An event as it was recorded. */
export interface RecordedEvent {
  readonly at: Date;
  readonly action: AuditAction;
  readonly outcome: 'success' | 'refused' | 'failure';
  readonly client: string | undefined;
  readonly subject: string | undefined;
  readonly requestId: string | undefined;
  readonly tokenId: string | undefined;
  readonly address: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
}

const COLUMNS = 'at, action, outcome, client, subject, request_id, token_id, host(address) as address, facts';

/** What was done to these things, oldest first. */
export function readEventsOf(
  db: TenantQueryable,
  subjects: readonly string[],
  actions: readonly AuditAction[],
): Promise<readonly RecordedEvent[]> {
  return read(db, `subject = any($2) and action = any($3)`, [subjects, actions]);
}

/** How these tokens were issued, by the issuer that `db` is of. */
export function readTokenIssues(db: TenantQueryable, tokenIds: readonly string[]): Promise<readonly RecordedEvent[]> {
  return read(db, `action = 'token.issue' and token_id = any($2)`, [tokenIds]);
}

/** Exports that were asked for of a group, oldest first. */
export function readKickOffsOf(db: TenantQueryable, groupId: string): Promise<readonly RecordedEvent[]> {
  return read(db, `action = 'export.kick-off' and facts ->> 'group' = $2`, [groupId]);
}

async function read(
  db: TenantQueryable,
  condition: string,
  values: readonly unknown[],
): Promise<readonly RecordedEvent[]> {
  const result = await db.query(
    `select ${COLUMNS} from audit_event where tenant_id = $1 and ${condition} order by at, id`,
    [db.tenantId, ...values],
  );
  return result.rows.map((row) => ({
    at: row.at,
    action: row.action,
    outcome: row.outcome,
    client: row.client ?? undefined,
    subject: row.subject ?? undefined,
    requestId: row.request_id ?? undefined,
    tokenId: row.token_id ?? undefined,
    address: row.address ?? undefined,
    facts: row.facts,
  }));
}
