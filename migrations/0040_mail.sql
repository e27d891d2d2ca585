-- Mails that are to be sent, or, without a mail server, shown in the outbox of a sandbox. They belong to no tenant: the
-- platform's own accounts get mails too, and one worker sends them all. Sent ones lose their text at once.

create table mail (
  id uuid primary key default gen_random_uuid(),
  recipient text not null check (recipient <> ''),
  subject text not null,
  body text,
  created_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  given_up_at timestamptz
);
create index mail_recipient on mail (lower(recipient), created_at desc);
create index mail_created on mail (created_at);
