-- The key under which the files of an export are encrypted, sealed under the master key. It goes with the row: what is
-- left of the files anywhere, in a backup or in an old version of an object, cannot be read any more.

alter table export_job
  add column file_key bytea,
  -- which master key sealed it
  add column file_key_id text,
  add constraint export_job_file_key check ((file_key is null) = (file_key_id is null));
