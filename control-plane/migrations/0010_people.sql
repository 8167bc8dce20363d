-- Outgoing mail, kept until a server took it. Of people, not of one tenant: written and read by the system alone.
create table fc.mails (
  id uuid primary key,
  -- What it is for: notice_held, notice_waiting, notice_failed, invite, magic_link, verify_email.
  kind text not null,
  -- Empty: the operator's log, where the instance sends no mail.
  recipient text not null,
  -- The same thing is said once to the same recipient.
  once text not null,
  subject text not null,
  body text not null,
  -- Takes the place of `{link}` in the body where it opens something: sealed, and forgotten as soon as it was sent.
  sealed_link bytea,
  -- After this the link opens nothing any more, and the mail says nothing true.
  expires_at timestamptz,
  attempts int not null default 0,
  run_at timestamptz not null default now(),
  locked_until timestamptz,
  done_at timestamptz,
  last_error text,
  created_at timestamptz not null default now(),
  unique (once, recipient)
);
create index mails_due on fc.mails (run_at, id) where done_at is null;

-- A command line that waits to be let in (RFC 8628). Neither code is kept as it was told.
create table fc.device_codes (
  id uuid primary key,
  device_hash bytea not null unique,
  user_hash bytea not null unique,
  -- What the command line says of its machine, and where it called from: shown to whoever decides.
  machine text not null,
  address text not null,
  decision text check (decision in ('approved', 'denied')),
  -- Who decided, and whose token it becomes.
  user_id uuid references fc.users (id) on delete cascade,
  last_polled_at timestamptz,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  check ((decision is null) = (user_id is null))
);

grant select, insert, update, delete on fc.mails, fc.device_codes to feedback_chat_app;
alter table fc.mails enable row level security;
alter table fc.mails force row level security;
create policy system_only on fc.mails using ((select fc.is_system()));
alter table fc.device_codes enable row level security;
alter table fc.device_codes force row level security;
create policy system_only on fc.device_codes using ((select fc.is_system()));

-- One open invite per person and workspace.
create unique index invites_open on fc.invites (workspace_id, lower(email)) where accepted_at is null;
