-- What somebody who may speak for an organization attested, and ways to find the evidence of requests again.

-- A new one takes the place of the one before from then on; none is changed.
create table organization_attestation (
  id bigint generated always as identity primary key,
  organization_id text not null references organization (id),
  statement text not null check (statement <> ''),
  signed_by text not null check (signed_by <> ''),
  title text not null check (title <> ''),
  signed_on date not null,
  recorded_at timestamptz not null
);
create index organization_attestation_organization on organization_attestation (organization_id, recorded_at);

create index match_request_asked on match_request (tenant_id, asked_at);
create index match_request_member on match_request (tenant_id, umb, asked_at) where umb is not null;
create index audit_event_token on audit_event (tenant_id, token_id) where action = 'token.issue';
create index audit_event_group on audit_event (tenant_id, (facts ->> 'group')) where action = 'export.kick-off';
