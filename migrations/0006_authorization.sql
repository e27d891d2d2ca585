-- Signing keys, what the authorization engine keeps, and what was taken back before it ended. Tenant 0 is the platform.

create table signing_key (
  tenant_id int not null,
  kid text not null,
  alg text not null check (alg in ('ES256', 'RS256')),
  public_jwk jsonb not null,
  -- The private key under the master key; key_id says which master key it was.
  sealed bytea not null,
  key_id text not null,
  state text not null check (state in ('next', 'current', 'retiring', 'retired')),
  created_at timestamptz not null default now(),
  state_since timestamptz not null default now(),
  primary key (tenant_id, kid)
);
-- Processes that come together, at the first token or at a rotation, cannot make two.
create unique index signing_key_current on signing_key (tenant_id, alg) where state = 'current';
create unique index signing_key_next on signing_key (tenant_id, alg) where state = 'next';

create table oidc_artifact (
  tenant_id int not null,
  kind text not null,
  id text collate "C" not null,
  grant_id text,
  uid text,
  payload jsonb not null,
  consumed_at timestamptz,
  expires_at timestamptz not null,
  primary key (tenant_id, kind, id)
);
create index oidc_artifact_grant on oidc_artifact (tenant_id, grant_id) where grant_id is not null;
create index oidc_artifact_uid on oidc_artifact (tenant_id, kind, uid) where uid is not null;
create index oidc_artifact_expiry on oidc_artifact (expires_at);

create table token_denylist (
  tenant_id int not null,
  key text not null,
  until timestamptz not null,
  primary key (tenant_id, key)
);

-- (token_denylist holds ids of tokens and grants only, and every process reads all of it: no policy.)

-- Counts attempts in windows by upserts, so limits hold in parallel and across processes. Unlogged: counts of the last
-- minute are worth no disk write, and losing them in a crash harms nobody.
create unlogged table rate_bucket (
  tenant_id int not null,
  key text not null,
  window_start timestamptz not null,
  hits int not null,
  primary key (tenant_id, key, window_start)
) with (fillfactor = 70);

do $$
declare tenant_table text;
begin
  foreach tenant_table in array array['signing_key', 'oidc_artifact', 'rate_bucket'] loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format('alter table %I force row level security', tenant_table);
    execute format('create policy tenant_only on %I using (tenant_id = current_setting(''app.tenant_id'')::int)', tenant_table);
  end loop;
end $$;
