-- Tenants, the job wrapper, and the audit record: what every other subject stands on.

-- Unlogged staging tables of bulk writes live here: row-level security and COPY FROM exclude each other.
create schema staging;

create table tenant (
  id int generated always as identity primary key,
  slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{0,62}$' and slug not in ('payer2payer', 'test', 'patient-access')),
  name text not null check (name <> ''),
  kind text not null check (kind in ('sandbox', 'production')),
  hosts text[] not null default '{}',
  canonical_host text,
  settings jsonb not null default '{}',
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);

create table job_instance (
  instance int not null,
  pool_id text not null,
  started_at timestamptz not null default now(),
  primary key (instance, pool_id)
);

-- The role of the running program may not touch the job library's own tables; this is its one way in.
create function enqueue_job(name text, payload json, queue text, run_at timestamptz, max_attempts int, key text, priority int)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform graphile_worker.add_job(name, payload := payload, queue_name := queue, run_at := run_at,
    max_attempts := max_attempts, job_key := key, priority := priority);
end $$;

create table audit_event (
  tenant_id int not null,
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  action text not null,
  outcome text not null check (outcome in ('success', 'refused', 'failure')),
  client text,
  organization text,
  member_key text,
  subject text,
  request_id text,
  token_id text,
  address inet,
  facts jsonb not null default '{}',
  primary key (tenant_id, at, id)
);
create index audit_event_member on audit_event (tenant_id, member_key, at) where member_key is not null;
create index audit_event_subject on audit_event (tenant_id, subject, at) where subject is not null;

alter table audit_event enable row level security;
alter table audit_event force row level security;
create policy tenant_only on audit_event using (tenant_id = current_setting('app.tenant_id')::int);

-- Append-only, also for the owner: what was written stays as it was.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit record is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_event_append_only before update or delete on audit_event
  for each row execute function refuse_change();
create trigger audit_event_no_truncate before truncate on audit_event
  for each statement execute function refuse_change();
