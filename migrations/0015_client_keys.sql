-- Public keys of clients, which are good in environments as secrets are.

alter table client add column key_environments text[] not null default '{}'
  check (key_environments <@ array['sandbox', 'production']);

update client c
   set key_environments = array(select 'sandbox' where c.every_sandbox
                                 union
                                select t.kind from client_tenant ct join tenant t on t.id = ct.tenant_id where ct.client_id = c.client_id)
 where kind = 'jwks';

-- A client shows its keys in one way, and only one that signs in with keys has any.
alter table client add constraint client_keys check (
  case kind when 'jwks' then (jwks is null) <> (jwks_uri is null) and cardinality(key_environments) > 0
            else jwks is null and jwks_uri is null and cardinality(key_environments) = 0 end);
