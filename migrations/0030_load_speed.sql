-- What loading costs, without changing what is stored.

-- The line a resource came from, as a key made of the program, the labelling rules and the line's bytes: the same line,
-- read by the same program under the same rules, changes nothing, and need not be looked into again. Null: not known.
alter table resource_locator add column source bytea;

-- The same check as before, but of the first character alone: LIKE unpacked every text that had just been packed.
alter table resource drop constraint resource_content_check;
alter table resource add constraint resource_content_check check (left(content, 1) = '{') not valid;
alter table shared_resource drop constraint shared_resource_content_check;
alter table shared_resource add constraint shared_resource_content_check check (left(content, 1) = '{') not valid;

-- Nothing is planned by what stands in these columns (every read goes by the member's key), and to count the elements of
-- 30,000 rows of them took ANALYZE 3 s, several times during a load.
do $$
declare
  one regclass;
begin
  for one in
    select 'resource'::regclass union all select inhrelid::regclass from pg_inherits where inhparent = 'resource'::regclass
  loop
    execute format('alter table %s alter tokens set statistics 0, alter refs set statistics 0, alter extra set statistics 0, alter content set statistics 0', one);
  end loop;
end $$;
