/**
 * Every kind of event the audit record knows, with what it means and which facts it carries. The page
 * docs/reference/audit-events.md is generated from this table.
 */
export const AUDIT_EVENTS = {
  'tenant.create': 'A tenant was made. Facts: kind.',
  'tenant.change': 'Settings of a tenant were changed. Facts: the names of the settings.',
  'feed.load':
    'A feed was loaded, or stopped half-way. Subject: the run. Facts: stored, unchanged, deleted, refused, vanished, bytes, files, attempt, code of the failure.',
  'export.kick-off':
    'Another payer asked for an export of a group. Subject: the job. Facts: group, flavour, types, since; refused: code.',
  'export.complete':
    'An export ended. Subject: the job. Facts: group, files, bytes, resources by type, withheld by reason.',
  'export.file.read':
    'A file of an export was downloaded; written before the first byte leaves. Subject: the job. Facts: file, type, resources, bytes, membersLeftOut.',
  'export.delete': 'The client deleted an export. Subject: the job.',
} as const satisfies Record<string, string>;

export type AuditAction = keyof typeof AUDIT_EVENTS;
