import type { RecordedEvent } from '#/audit/audit-log.ts';
import type { KeptMatch } from '../member-match/match-records.ts';
import type { Evidence, SignIn } from './evidence.ts';

/** A match request in one line of a list; nothing of the member but the id of the Patient. */
export function describeMatch(match: KeptMatch) {
  return {
    id: match.id,
    asked_at: match.asked_at.toISOString(),
    decision: match.decision,
    reason: match.reason,
    client: match.client,
    organization: match.organization,
    patient: match.member_id,
    group: match.group_id,
  };
}

/** The evidence of a match request as JSON; resources as they were sent. */
export function describeEvidence({ match, event, signIn, attestation, consent, coverageToLink, exports }: Evidence) {
  return {
    ...describeMatch(match),
    algorithm: match.algorithm,
    notes: match.notes,
    request_sha256: match.request_hash.toString('hex'),
    request_id: match.request_id,
    endpoint: event?.facts.endpoint ?? null,
    address: event?.address ?? null,
    signed_in: describeSignIn(signIn),
    attestation: attestation
      ? {
          statement: attestation.statement,
          signed_by: attestation.signedBy,
          title: attestation.title,
          signed_on: attestation.signedOn,
          recorded_at: attestation.recordedAt.toISOString(),
        }
      : null,
    consent: consent
      ? {
          id: consent.id,
          policy: consent.policy,
          starts_at: consent.starts_at.toISOString(),
          ends_at: consent.ends_at.toISOString(),
          signed_document: consent.evidence,
          received_at: consent.received_at.toISOString(),
          resource: JSON.parse(consent.resource) as unknown,
        }
      : null,
    coverage_to_link: coverageToLink === undefined ? null : (JSON.parse(coverageToLink) as unknown),
    exports: exports.map(({ kickOff, signIn: by, events }) => ({
      job: kickOff.subject ?? null,
      asked_at: kickOff.at.toISOString(),
      outcome: kickOff.outcome,
      request_id: kickOff.requestId ?? null,
      signed_in: describeSignIn(by),
      ...kickOff.facts,
      events: events.map(describeEvent),
    })),
  };
}

function describeSignIn(signIn: SignIn | undefined) {
  return signIn
    ? {
        token_id: signIn.tokenId,
        issued_at: signIn.issuedAt.toISOString(),
        method: signIn.method,
        credential: signIn.credential,
        scope: signIn.scope,
        address: signIn.address ?? null,
      }
    : null;
}

function describeEvent({ at, action, outcome, facts }: RecordedEvent) {
  return { at: at.toISOString(), action, outcome, ...facts };
}
