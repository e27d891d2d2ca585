-- Exports of groups: what was asked, how far the work is, and the files that came of it. The job library only wakes the
-- work up; these tables are its truth.

create table export_job (
  tenant_id int not null,
  id uuid not null,
  client text collate "C" not null,
  organization text collate "C",
  group_id text collate "C" not null,
  flavour text not null check (flavour in ('standard', 'vendor')),
  -- `cancelled` is the wish and its effect in one: workers stop at their next step, callers see nothing from then on
  state text not null default 'queued' check (state in ('queued', 'running', 'complete', 'failed', 'cancelled')),
  request text not null,
  types text[] not null,
  since timestamptz,
  -- set when the export is planned
  transaction_time timestamptz,
  retention_days int not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  -- set when the work has ended
  expires_at timestamptz,
  primary key (tenant_id, id),
  check (state <> 'complete' or (transaction_time is not null and expires_at is not null))
);
-- One running export for each client and group (P2P-40), also when two kick-offs meet.
create unique index export_job_open on export_job (tenant_id, client, group_id) where state in ('queued', 'running');
create index export_job_expires on export_job (tenant_id, expires_at) where expires_at is not null;

-- The members of one slice, and how its work stands. Slice 0 is the end of the export: shared resources, the error file.
create table export_slice_work (
  tenant_id int not null,
  job_id uuid not null,
  slice int not null,
  -- the consent policy that all members of the slice have in common
  policy text not null check (policy in ('regular', 'sensitive')),
  done boolean not null default false,
  -- raised by every start; a write that carries an older number is void (fencing)
  attempt int not null default 0,
  primary key (tenant_id, job_id, slice),
  foreign key (tenant_id, job_id) references export_job on delete cascade
);

create table export_member (
  tenant_id int not null,
  job_id uuid not null,
  slice int not null,
  mk bigint not null,
  member_id text collate "C" not null,
  primary key (tenant_id, job_id, slice, mk, member_id),
  foreign key (tenant_id, job_id) references export_job on delete cascade
);

-- One resource type of one slice: a part. Its files and its `done` are written together; a finished part is never rewritten.
create table export_part (
  tenant_id int not null,
  job_id uuid not null,
  slice int not null,
  type text collate "C" not null,
  position smallint not null,
  done boolean not null default false,
  -- what the disclosure policy kept back, by reason: counts for the audit record
  withheld jsonb not null default '{}',
  primary key (tenant_id, job_id, slice, type),
  foreign key (tenant_id, job_id, slice) references export_slice_work on delete cascade
);

create table export_file (
  tenant_id int not null,
  name text collate "C" not null,
  job_id uuid not null,
  slice int not null,
  kind text not null check (kind in ('output', 'deleted', 'error')),
  type text collate "C" not null,
  -- order in the manifest: type, then slice, then file
  position smallint not null,
  sequence int not null,
  resources int not null,
  size_bytes bigint not null,
  primary key (tenant_id, name),
  -- a part is written once: a second set of its files cannot be recorded
  unique (tenant_id, job_id, slice, type, sequence),
  foreign key (tenant_id, job_id) references export_job on delete cascade
);
create index export_file_job on export_file (tenant_id, job_id, position, slice, sequence);

-- Lines of the error file, kept until it is written.
create table export_note (
  tenant_id int not null,
  job_id uuid not null,
  slice int not null,
  subject text collate "C" not null,
  sequence int not null,
  outcome text not null,
  primary key (tenant_id, job_id, slice, subject, sequence),
  foreign key (tenant_id, job_id) references export_job on delete cascade
);

-- Shared resources (Organization, Practitioner ...) that a resource which left names.
create table export_reference (
  tenant_id int not null,
  job_id uuid not null,
  type text collate "C" not null,
  id text collate "C" not null,
  -- 0: named by a member's resource; n: by a shared resource of depth n - 1
  depth smallint not null,
  primary key (tenant_id, job_id, type, id),
  foreign key (tenant_id, job_id) references export_job on delete cascade
);

do $$
declare
  name text;
begin
  foreach name in array array['export_job', 'export_slice_work', 'export_member', 'export_part', 'export_file', 'export_note', 'export_reference']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant_only on %I using (tenant_id = current_setting(''app.tenant_id'')::int)', name);
  end loop;
end $$;
