-- Sandbox plans: as of which day their records were made, and whether all of it came in.

create table sandbox_fill (
  tenant_id int not null primary key,
  as_of date not null,
  -- Null: begun, and broken off; the next start goes on.
  filled_at timestamptz
);

alter table sandbox_fill enable row level security;
alter table sandbox_fill force row level security;
create policy tenant_only on sandbox_fill using (tenant_id = current_setting('app.tenant_id')::int);
