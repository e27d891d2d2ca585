-- Everything a kick-off may ask for, and exports of all patients that a client may see.

alter table export_job add column until timestamptz;
-- type filters, elements, members and associated data as they were checked at the kick-off
alter table export_job add column narrowing jsonb not null default '{}';
-- the status is answered 200 with the job's own status in a header
alter table export_job add column separate_status boolean not null default false;
-- An export of Patient/$export is of no group: of what every group of the client holds. It is the empty id here, so that
-- the index on open exports allows one of them, too.
comment on column export_job.group_id is 'empty: every group of the client';

-- The members of every group of a client.
create index payer_group_client on payer_group (tenant_id, client);
