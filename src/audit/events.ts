/**
 * Every kind of event the audit record knows, with what it means and which facts it carries. The page
 * docs/reference/audit-events.md is generated from this table.
 */
export const AUDIT_EVENTS = {
  'tenant.create': 'A tenant was made. Facts: kind.',
  'tenant.change': 'Settings of a tenant were changed. Facts: the names of the settings.',
  'client.create': 'A client was made. Facts: accessType, kind, tenants.',
  'client.suspend': 'A client was stopped for now. Facts: tenants, when only there.',
  'client.resume': 'A suspended client was let in again. Facts: tenants, when only there.',
  'client.revoke': 'A client was ended for good. Facts: tenants, when only there.',
  'client.keys':
    'Public keys of a client were registered. Facts: kids or byUrl, environments, how many secrets ended with it.',
  'client.secret.add':
    'A client got a second secret. Facts: environments, the numbers of those that end, and after how many hours.',
  'client.secret.revoke': 'A secret of a client was ended. Facts: its number.',
  'keys.rotate':
    'Signing keys of a plan or of the platform were rotated on command. Facts: issuer, kids that sign now (signing), that stay published for what they signed (retiring), and that are gone (discarded).',
  'keys.rewrap':
    'Private keys of a plan or of the platform were sealed under another master key. Facts: ids of the old and the new key, how many keys.',
  'organization.create': 'An organization was made.',
  'organization.attest': 'The attestation of an organization was recorded. Facts: signedOn, sha256 of the statement.',
  'token.issue':
    'A token was issued. Facts: grant, scope, environments of the credential, method by which the client signed in, with the kid of its key or the number of its secret.',
  'token.refuse':
    'A request to the token, introspection or revocation endpoint was refused. Facts: error, status, reason where the caller is not told it (for an assertion: assertion- and what was wrong); outcome failure: the fault was ours.',
  'token.revoke': 'A client took its token back.',
  'access.refuse':
    'A token of ours was refused at a plan. Facts: permission that was needed, reason (void: taken back, its client stopped, or of another environment; not-approved; access-type; scope).',
  'feed.load':
    'A feed was loaded, or stopped half-way. Subject: the run. Facts: stored, unchanged, deleted, refused, vanished, bytes, files, attempt, code of the failure.',
  'labels.apply':
    'What a plan holds was labelled anew by its rules for sensitive data. Subject: the plan. Facts: checked, changed.',
  'export.kick-off':
    'Another payer asked for an export of a group. Subject: the job. Facts: group, flavour, types, since; refused: code.',
  'export.complete':
    'An export ended. Subject: the job. Facts: group, files, bytes, resources by type, withheld by reason.',
  'export.file.read':
    'A file of an export was downloaded; written before the first byte leaves. Subject: the job. Facts: file, type, resources, bytes, membersLeftOut.',
  'export.delete': 'The client deleted an export. Subject: the job.',
  'match.accepted':
    'A member that another payer described was found, and its consent accepted. Subject: the group to export. Facts: endpoint, consent, algorithm, notes, warnings.',
  'match.refused':
    'A member match was refused. Subject: the match record, when the request could be read. Facts: endpoint, reason, algorithm, warnings; for a request that could not be used: strict, problems.',
  'match.limited':
    'A member match was refused because a limit against guessing was reached; worth a look. Facts: endpoint, limit (identifiers or failures), alert.',
  'patient.search':
    'A payer searched for a matched member by identifier; written before the answer leaves. Facts: results.',
  'record.read':
    'A member’s app read a resource, a version or its history; written before the answer leaves. Subject: the resource, of a Patient the type alone. Facts: interaction, grant, status.',
  'record.search':
    'A member’s app searched, or asked for everything or for documents; written before the answer leaves. Subject: the type. Facts: interaction, grant, names of the parameters, results, included, status.',
  'record.other-member':
    'A member’s app searched for another person; nothing of that person was found. Worth a look. Subject: the type. Facts: grant, parameter.',
  'evidence.read':
    'The evidence of a match request was looked at, with the consent as it was sent. Subject: the match record.',
  'account.open':
    'A member has shown who he or she is and opened an account. Subject: the account. Facts: by (how it was shown), ial.',
  'account.verify':
    'A member has shown again who he or she is. Subject: the account. Facts: by, ial, movedAddress (another mail address than before).',
  'account.sign-in': 'A member signed in. Subject: the account.',
  'account.change-email': 'A member changed the mail address of an account. Subject: the account.',
  'account.close': 'A member closed an account. Subject: the account.',
  'grant.share':
    'A member let an app see information. Subject: the grant. Facts: segment, scopes, sensitive (sensitive information too), until, byRepresentative.',
  'grant.refuse': 'A member chose not to share with an app. Facts: segment.',
  'grant.stop':
    'What a member let an app see ended. Subject: the grant. Facts: by (member, client, operator, replaced, reuse, account-closed, reset).',
  'authorize.refuse':
    'A request for a member’s authorization was refused. Facts: error, reason, segment, redirected (whether the app was told).',
  'identity.refuse':
    'Somebody could not show who he or she is. Facts: reason (no-member, paused, email-taken, former-member, too-young), segment.',
  'consent.block': 'The plan recorded that a member does not want to share with other payers.',
  'consent.unblock': 'The plan lifted a member’s block on sharing with other payers.',
  'backup.create':
    'A backup of everything was written to a file. Facts: bytes, export files, whether the master key is in it.',
  'sandbox.reset':
    'A sandbox plan is being brought back to how it was made. Facts: how many exports and groups were ended.',
} as const satisfies Record<string, string>;

export type AuditAction = keyof typeof AUDIT_EVENTS;
