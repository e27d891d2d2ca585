-- What other payers asked about members, what came of it, and the groups that a match yields.

-- Which identifiers a client has tried for which person, as hashes: the measure of the limit against guessing (P2P-15).
create table match_attempt (
  tenant_id int not null,
  client text collate "C" not null,
  person_hash bytea not null,
  identifier_hash bytea not null,
  tried_at timestamptz not null,
  primary key (tenant_id, client, person_hash, identifier_hash)
);
create index match_attempt_tried_at on match_attempt (tenant_id, tried_at);

create table match_request (
  tenant_id int not null,
  id uuid not null,
  client text collate "C" not null,
  organization text collate "C",
  asked_at timestamptz not null,
  request_hash bytea not null,
  decision text not null check (decision in ('accepted', 'no-match', 'multiple-matches', 'wrong-payer', 'consent')),
  -- for the plan's own eyes: the step that left nobody, the consent check that failed
  reason text,
  algorithm text not null,
  notes text[] not null default '{}',
  mk bigint,
  member_id text collate "C",
  umb text collate "C",
  consent_id uuid,
  group_id text collate "C",
  request_id text,
  token_id text,
  primary key (tenant_id, id),
  check (decision <> 'accepted' or (umb is not null and consent_id is not null and group_id is not null))
);
create index match_request_failed on match_request (tenant_id, client, asked_at) where decision in ('no-match', 'multiple-matches');
create index match_request_repeat on match_request (tenant_id, client, request_hash, asked_at) where decision = 'accepted';

-- The new plan's coverage that a caller linked to our member (HRex CoverageToLink).
create table coverage_link (
  tenant_id int not null,
  match_id uuid not null,
  mk bigint not null,
  member_id text collate "C" not null,
  client text collate "C" not null,
  -- the Coverage as it was sent
  resource text not null,
  received_at timestamptz not null,
  primary key (tenant_id, match_id)
);
create index coverage_link_member on coverage_link (tenant_id, mk, member_id);

create table payer_group (
  tenant_id int not null,
  id text collate "C" not null check (id ~ '^[A-Za-z0-9.-]{1,64}$'),
  -- null: the standing group of a sandbox, which every payer client of the tenant may use
  client text collate "C",
  organization text collate "C",
  created_at timestamptz not null,
  -- null: never
  expires_at timestamptz,
  primary key (tenant_id, id),
  check ((client is null) = (expires_at is null))
);

create table group_member (
  tenant_id int not null,
  group_id text collate "C" not null,
  mk bigint not null,
  member_id text collate "C" not null,
  umb text collate "C" not null,
  -- null in the standing group
  consent_id uuid,
  added_at timestamptz not null,
  primary key (tenant_id, group_id, mk, member_id),
  foreign key (tenant_id, group_id) references payer_group on delete cascade
);
create index group_member_member on group_member (tenant_id, mk, member_id);

do $$
declare
  name text;
begin
  foreach name in array array['match_attempt', 'match_request', 'coverage_link', 'payer_group', 'group_member']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant_only on %I using (tenant_id = current_setting(''app.tenant_id'')::int)', name);
  end loop;
end $$;
