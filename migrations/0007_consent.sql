-- Consents that came with a member match and were accepted, and blocks that members set at this plan.

create table consent_record (
  tenant_id int not null,
  id uuid not null,
  mk bigint not null,
  member_id text collate "C" not null,
  client text collate "C" not null,
  organization text collate "C",
  policy text not null check (policy in ('regular', 'sensitive')),
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at >= starts_at),
  -- the reference to the signed document, or `attachment`; never opened
  evidence text,
  -- the Consent as it was sent
  resource text not null,
  request_hash bytea not null,
  received_at timestamptz not null,
  primary key (tenant_id, id)
);
create index consent_record_member on consent_record (tenant_id, mk, member_id);

-- Each block stays as a row; the one without `lifted_at` is in force.
create table consent_block (
  tenant_id int not null,
  id bigint generated always as identity,
  mk bigint not null,
  member_id text collate "C" not null,
  blocked_at timestamptz not null,
  lifted_at timestamptz check (lifted_at >= blocked_at),
  primary key (tenant_id, id)
);
create unique index consent_block_in_force on consent_block (tenant_id, mk, member_id) where lifted_at is null;

do $$
declare
  name text;
begin
  foreach name in array array['consent_record', 'consent_block']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant_only on %I using (tenant_id = current_setting(''app.tenant_id'')::int)', name);
  end loop;
end $$;
