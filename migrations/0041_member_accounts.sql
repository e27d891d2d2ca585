-- Accounts by which members sign in: an email address that stands for one person of the plan, the codes that are sent to it,
-- and the counts that keep strangers from guessing.

create table account (
  tenant_id int not null,
  -- the `sub` of tokens; never a member id
  id uuid not null default gen_random_uuid(),
  -- lower case
  email text not null,
  -- the unique member identifier of the person, and the Patient that stands for him or her
  umb text collate "C" not null,
  member_id text collate "C" not null,
  -- how the person proved who he or she is
  verified_by text not null,
  ial text not null,
  verified_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  last_sign_in_at timestamptz,
  -- of a sandbox: the account is there for a while only; several may stand for one member
  expires_at timestamptz,
  closed_at timestamptz,
  primary key (tenant_id, id)
);
create unique index account_email on account (tenant_id, email) where closed_at is null;
create unique index account_person on account (tenant_id, umb) where closed_at is null and expires_at is null;
create index account_umb on account (tenant_id, umb);

-- A login at another issuer (the plan's own portal, an identity service) that stands for an account.
create table account_identity (
  tenant_id int not null,
  issuer text not null,
  subject text collate "C" not null,
  account_id uuid not null,
  acr text,
  linked_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, issuer, subject),
  foreign key (tenant_id, account_id) references account on delete cascade
);

create table email_code (
  tenant_id int not null,
  -- what the code is good for, for instance one authorization: a code of another is none
  bound_to text collate "C" not null,
  email text not null,
  -- HMAC-SHA256 under the master key: six digits alone could be tried out from their hash
  mac bytea not null check (octet_length(mac) = 32),
  tries int not null default 0,
  sent_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  primary key (tenant_id, bound_to)
);
create index email_code_expiry on email_code (expires_at);

-- Attempts that may fail only so often. A key is a hash; what it stands for is not stored.
create table attempt_limit (
  tenant_id int not null,
  key bytea not null check (octet_length(key) = 32),
  window_start timestamptz not null,
  used int not null,
  -- how often in a row it was locked: each lock is twice as long as the one before
  locks int not null default 0,
  locked_until timestamptz,
  primary key (tenant_id, key)
);
create index attempt_limit_age on attempt_limit (tenant_id, window_start);

do $$
declare
  name text;
begin
  foreach name in array array['account', 'account_identity', 'email_code', 'attempt_limit']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy tenant_only on %I using (tenant_id = current_setting(''app.tenant_id'')::int)', name);
  end loop;
end $$;
