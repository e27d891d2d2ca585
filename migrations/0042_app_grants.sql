-- What members let apps see: one row for each authorization. The list of connected apps reads it, and every token of a member
-- is worth what its row says.

create table app_grant (
  tenant_id int not null,
  -- the engine's id of the grant
  id text collate "C" not null,
  client_id text not null,
  account_id uuid not null,
  -- whose information it is: the person's unique member identifier, and the Patient
  umb text collate "C" not null,
  member_id text collate "C" not null,
  -- set when somebody else decided for the member: the RelatedPerson that he or she is
  related_person_id text collate "C",
  segment text not null check (segment in ('patient-access', 'payer2payer')),
  scopes text[] not null,
  releases_sensitive boolean not null,
  ial text not null,
  acr text,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by text check (revoked_by in ('member', 'client', 'operator', 'replaced', 'reuse', 'account-closed', 'reset')),
  primary key (tenant_id, id),
  check ((revoked_at is null) = (revoked_by is null))
);
create index app_grant_member on app_grant (tenant_id, umb, created_at desc);
create index app_grant_account on app_grant (tenant_id, account_id, created_at desc);
create index app_grant_client on app_grant (tenant_id, client_id, created_at desc);

alter table app_grant enable row level security;
alter table app_grant force row level security;
create policy tenant_only on app_grant using (tenant_id = current_setting('app.tenant_id')::int);

-- What an authorization has come to, between its pages: never what was typed.
create table interaction_state (
  tenant_id int not null,
  uid text collate "C" not null,
  state jsonb not null,
  expires_at timestamptz not null,
  primary key (tenant_id, uid)
);
create index interaction_state_expiry on interaction_state (expires_at);

alter table interaction_state enable row level security;
alter table interaction_state force row level security;
create policy tenant_only on interaction_state using (tenant_id = current_setting('app.tenant_id')::int);

-- How an app launches: `classic` may leave out what older instructions leave out; `smart` keeps to SMART App Launch. Null: as
-- its kind is, public clients `smart` and the others `classic`.
alter table client add column launch_profile text check (launch_profile in ('classic', 'smart'));
-- What members read of an app, and where it stands.
alter table client add column publisher text, add column terms_url text, add column privacy_url text;
