-- The member index: under which names and identifiers a member can be found (storage.md 7). It is derived from Patient and
-- Coverage resources and maintained in the transaction that writes them.

-- One row per name, current or former, of a member who has a full birth date.
create table member_match (
  tenant_id int not null,
  mk bigint not null,
  member_id text collate "C" not null,
  family_n text collate "C" not null,
  given_n text collate "C" not null,
  birth_date date not null,
  gender text,
  postal text[] collate "C" not null default '{}',
  -- the person's unique member identifier: equal for all records of one person
  umb text collate "C" not null,
  primary key (tenant_id, mk, member_id, family_n, given_n)
);

-- One row per identifier and the resource it stands in. kind: 1 member id, 2 subscriber id, 3 coverage id, 4 another id
-- of the patient, 5 unique member identifier (every Patient has exactly one row of it), 6 the one the person had before the
-- plan set its own.
create table member_identifier (
  tenant_id int not null,
  kind smallint not null check (kind between 1 and 6),
  value_n text collate "C" not null,
  mk bigint not null,
  member_id text collate "C" not null,
  source_rt smallint not null,
  source_id text collate "C" not null,
  -- '' when the identifier has none
  system text collate "C" not null,
  -- as written
  value text not null,
  -- of a subscriber id: the suffix that tells the family apart
  dependent text,
  primary key (tenant_id, kind, value_n, mk, member_id, source_rt, source_id, system)
);
-- What a resource brought is replaced when it changes, also when it now belongs to another member.
create index member_identifier_source on member_identifier (tenant_id, source_id, source_rt);

do $$
declare
  name text;
begin
  foreach name in array array['member_match', 'member_identifier']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant_only on %I using (tenant_id = current_setting(''app.tenant_id'')::int)', name);
  end loop;
end $$;
