/**
 * Every kind of event the audit record knows, with what it means and which facts it carries. The page
 * docs/reference/audit-events.md is generated from this table.
 */
export const AUDIT_EVENTS = {
  'tenant.create': 'A tenant was made. Facts: kind.',
  'tenant.change': 'Settings of a tenant were changed. Facts: the names of the settings.',
  'feed.load':
    'A feed was loaded, or stopped half-way. Subject: the run. Facts: stored, unchanged, deleted, refused, vanished, bytes, files, attempt, code of the failure.',
} as const satisfies Record<string, string>;

export type AuditAction = keyof typeof AUDIT_EVENTS;
