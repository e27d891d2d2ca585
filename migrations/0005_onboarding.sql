-- Organizations, and the clients by which their systems come in. They belong to no tenant: `client_tenant` says where a
-- client is valid.

create table organization (
  id text primary key,
  name text not null check (name <> ''),
  npis text[] not null default '{}',
  naics text[] not null default '{}',
  payer_ids text[] not null default '{}',
  eins text[] not null default '{}',
  created_at timestamptz not null default now()
);

create table client (
  client_id text primary key check (client_id ~ '^[A-Za-z0-9]{22}$'),
  name text not null check (name <> ''),
  access_type text not null check (access_type in ('patient-access', 'payer-to-payer-member', 'payer-to-payer')),
  kind text not null check (kind in ('public', 'secret', 'jwks')),
  organization_id text references organization (id),
  redirect_uris text[] not null default '{}',
  jwks jsonb,
  jwks_uri text,
  -- Made without naming tenants: active at every sandbox tenant, later ones too.
  every_sandbox boolean not null default false,
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  disabled_as text check (disabled_as in ('suspended', 'revoked')),
  check ((disabled_at is null) = (disabled_as is null))
);

create table client_secret (
  id bigint generated always as identity primary key,
  client_id text not null references client (client_id),
  sha256 bytea not null check (octet_length(sha256) = 32),
  hint text not null check (length(hint) = 4),
  environments text[] not null check (environments <@ array['sandbox', 'production'] and cardinality(environments) > 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  -- To the hour: it tells whether an old secret can go, and must not cost a write a token.
  last_used_at timestamptz
);
create index client_secret_client on client_secret (client_id);

create table client_tenant (
  client_id text not null references client (client_id),
  tenant_id int not null references tenant (id),
  status text not null check (status in ('active', 'suspended', 'revoked')),
  synced_at timestamptz not null default now(),
  primary key (client_id, tenant_id)
);
