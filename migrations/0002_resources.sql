-- FHIR resources (docs/explanation/architecture.md). Every tenant table is keyed by the tenant, member data also by the
-- member's key, and row-level security is the second lock.

create table resource (
  tenant_id int not null,
  mk bigint not null,
  rt smallint not null,
  id text collate "C" not null,
  member_id text collate "C" not null,
  version int not null,
  last_updated timestamptz not null,
  changed_at timestamptz not null,
  hash bytea not null,
  deleted boolean not null default false,
  financial boolean not null default false,
  date_lo timestamptz,
  date_hi timestamptz,
  tokens text[] collate "C" not null default '{}',
  refs text[] collate "C" not null default '{}',
  extra jsonb,
  content text not null check (content like '{%'),
  primary key (tenant_id, mk, rt, id)
) partition by hash (mk);
create index resource_date on resource (tenant_id, mk, rt, date_lo desc, id);
create index resource_since on resource (tenant_id, rt, changed_at);

create table shared_resource (
  tenant_id int not null,
  rt smallint not null,
  id text collate "C" not null,
  version int not null,
  last_updated timestamptz not null,
  changed_at timestamptz not null,
  hash bytea not null,
  deleted boolean not null default false,
  tokens text[] collate "C" not null default '{}',
  refs text[] collate "C" not null default '{}',
  extra jsonb,
  content text not null check (content like '{%'),
  primary key (tenant_id, id, rt)
);

create table member_ref (
  tenant_id int not null,
  mk bigint not null,
  member_id text collate "C" not null,
  rt smallint not null,
  id text collate "C" not null,
  source_rt smallint not null,
  primary key (tenant_id, mk, member_id, rt, id, source_rt)
);

-- Where a resource is, and what it said last. An empty hash: it was deleted.
create table resource_locator (
  tenant_id int not null,
  rt smallint not null,
  id text collate "C" not null,
  mk bigint not null,
  member_id text collate "C" not null,
  hash bytea not null,
  version int not null,
  primary key (tenant_id, rt, id)
) partition by hash (id);

create table resource_history (
  tenant_id int not null,
  mk bigint not null,
  member_id text collate "C" not null,
  rt smallint not null,
  id text collate "C" not null,
  version int not null,
  last_updated timestamptz not null,
  changed_at timestamptz not null,
  replaced_at timestamptz not null,
  deleted boolean not null,
  content text
) partition by range (replaced_at);
create index resource_history_version on resource_history (tenant_id, mk, rt, id, version desc);
create index resource_history_replaced on resource_history (tenant_id, mk, rt, replaced_at);
create table resource_history_rest partition of resource_history default;

create table export_slice (
  tenant_id int not null,
  job_id uuid not null,
  slice int not null,
  mk bigint not null,
  member_id text collate "C" not null,
  primary key (tenant_id, job_id, slice, mk, member_id)
);

do $$
declare
  count int := coalesce(nullif(current_setting('covered_bridge.partitions', true), ''), '1')::int;
  month timestamptz := date_trunc('month', now() at time zone 'UTC') at time zone 'UTC';
  tenant_table text;
begin
  for i in 0 .. count - 1 loop
    execute format('create table resource_%s partition of resource for values with (modulus %s, remainder %s)', i, count, i);
    execute format('create table resource_locator_%s partition of resource_locator for values with (modulus %s, remainder %s)', i, count, i);
  end loop;
  -- Five years of months; what comes later lands in the default partition until a migration adds more.
  for i in 0 .. 59 loop
    execute format('create table resource_history_%s partition of resource_history for values from (%L) to (%L)',
      to_char(month + make_interval(months => i), 'YYYYMM'), month + make_interval(months => i), month + make_interval(months => i + 1));
  end loop;
  -- The embedded build has only pglz; elsewhere lz4 loads 2.6 times faster and is 12 % larger.
  if (select 'lz4' = any (enumvals) from pg_settings where name = 'default_toast_compression') then
    alter table resource alter column content set compression lz4;
    alter table shared_resource alter column content set compression lz4;
    alter table resource_history alter column content set compression lz4;
  end if;
  foreach tenant_table in array array['resource', 'shared_resource', 'member_ref', 'resource_locator', 'resource_history', 'export_slice'] loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format('alter table %I force row level security', tenant_table);
    execute format('create policy tenant_only on %I using (tenant_id = current_setting(''app.tenant_id'')::int)', tenant_table);
  end loop;
end $$;
