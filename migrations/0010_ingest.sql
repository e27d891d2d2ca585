-- Feeds: how far each run came, in the same transaction as what it stored; and what waits for a run's end.

create table feed_run (
  tenant_id int not null,
  id uuid not null,
  -- The same feed again: its files with their sizes and times. Null: it cannot be taken up in the middle.
  fingerprint text,
  full_snapshot boolean not null,
  state text not null check (state in ('running', 'done', 'abandoned')),
  -- Counts the processes that worked on it; one that was taken over can no longer write (storage.md 9, fencing).
  attempt int not null default 1,
  started_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  -- {file, offset, skip, line}: where to go on.
  position jsonb not null,
  counts jsonb not null,
  refused_file text not null,
  refused_bytes bigint not null default 0,
  primary key (tenant_id, id)
);
create unique index feed_run_open on feed_run (tenant_id, fingerprint) where state = 'running';

-- Resources that name one which was not there yet: a Provenance before its target.
create table feed_waiting (
  tenant_id int not null,
  run_id uuid not null,
  seq bigint generated always as identity,
  file text not null,
  line int not null,
  entry text,
  content text not null,
  primary key (tenant_id, run_id, seq)
);

-- What a full snapshot held, to find what it did not.
create table feed_seen (
  tenant_id int not null,
  run_id uuid not null,
  rt smallint not null,
  id text collate "C" not null,
  primary key (tenant_id, run_id, rt, id)
);

alter table feed_run enable row level security;
alter table feed_run force row level security;
alter table feed_waiting enable row level security;
alter table feed_waiting force row level security;
alter table feed_seen enable row level security;
alter table feed_seen force row level security;
create policy tenant_only on feed_run using (tenant_id = current_setting('app.tenant_id')::int);
create policy tenant_only on feed_waiting using (tenant_id = current_setting('app.tenant_id')::int);
create policy tenant_only on feed_seen using (tenant_id = current_setting('app.tenant_id')::int);
