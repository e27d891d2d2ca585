-- Who may act for whom: recorded by the plan, never by what somebody types.
create table member_representative (
  tenant_id int not null,
  -- the person who acts: the unique member identifier of his or her account
  umb text collate "C" not null,
  -- for whom: the Patient, and the RelatedPerson of that Patient that the representative is
  member_id text collate "C" not null,
  related_person_id text collate "C" not null,
  recorded_at timestamptz not null default clock_timestamp(),
  ends_at timestamptz,
  primary key (tenant_id, umb, member_id)
);

alter table member_representative enable row level security;
alter table member_representative force row level security;
create policy tenant_only on member_representative using (tenant_id = current_setting('app.tenant_id')::int);
