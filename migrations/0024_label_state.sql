-- How far the security labels of a plan's stored resources follow its rules (storage.md 11.4).

create table label_state (
  tenant_id int primary key,
  -- The fingerprint of the rules under which everything stored is labelled, and since when; null: unknown.
  applied text,
  applied_at timestamptz,
  -- A walk under way: the rules it applies, the key behind which it goes on, what it has looked at and written anew.
  target text,
  after_rt smallint,
  after_id text collate "C",
  checked bigint not null default 0,
  changed bigint not null default 0,
  -- Counts the processes that walked; one that was taken over can no longer write.
  attempt int not null default 0
);
alter table label_state enable row level security;
alter table label_state force row level security;
create policy tenant_only on label_state using (tenant_id = current_setting('app.tenant_id')::int);
