-- Where a project's webhooks go (Standard Webhooks). The secret lies sealed; it is told once.
create table fc.endpoints (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  url text not null,
  description text not null default '',
  -- Event types; empty: all.
  events text[] not null default '{}',
  secret bytea not null,
  is_disabled boolean not null default false,
  disabled_reason text,
  created_at timestamptz not null default now()
);
create index endpoints_project on fc.endpoints (project_id);

-- One message to one endpoint, written in the transaction that it tells of. Its id is the `webhook-id` of each try.
create table fc.endpoint_deliveries (
  id uuid primary key,
  endpoint_id uuid not null references fc.endpoints (id) on delete cascade,
  project_id uuid not null references fc.projects (id) on delete cascade,
  event text not null,
  body text not null,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
  attempts int not null default 0,
  run_at timestamptz not null default now(),
  locked_until timestamptz,
  last_status int,
  last_error text,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  check ((status = 'pending') = (ended_at is null))
);
create index endpoint_deliveries_due on fc.endpoint_deliveries (run_at, id) where status = 'pending';
create index endpoint_deliveries_endpoint on fc.endpoint_deliveries (endpoint_id, id desc);
create index endpoint_deliveries_project on fc.endpoint_deliveries (project_id);

alter table fc.feedback
  -- Left by the reporter to hear back.
  add column reporter_email text,
  -- The report that this one says again; both share its issue. Null: it stands for itself.
  add column joined_to uuid references fc.feedback (id) on delete set null,
  -- A person split it off: nothing joins it by itself again.
  add column is_apart boolean not null default false,
  -- What its reporter was told: a run's id and stage each.
  add column told text[] not null default '{}',
  add column confirmed_at timestamptz,
  add column reopened_count int not null default 0;
create index feedback_joined on fc.feedback (joined_to) where joined_to is not null;
create index feedback_newest on fc.feedback (project_id, created_at desc, id desc);

-- What opens a reporter's private page. Several open the same one: each mail carries its own.
create table fc.reporter_tokens (
  token_hash bytea primary key,
  feedback_id uuid not null references fc.feedback (id) on delete cascade,
  project_id uuid not null references fc.projects (id) on delete cascade,
  created_at timestamptz not null default now()
);
create index reporter_tokens_feedback on fc.reporter_tokens (feedback_id);
create index reporter_tokens_project on fc.reporter_tokens (project_id);

create table fc.blocked_reporters (
  project_id uuid not null references fc.projects (id) on delete cascade,
  reporter_hash bytea not null,
  created_at timestamptz not null default now(),
  primary key (project_id, reporter_hash)
);

grant select, insert, update, delete on fc.endpoints, fc.endpoint_deliveries, fc.reporter_tokens, fc.blocked_reporters
  to feedback_chat_app;

do $$
declare
  tenant_table text;
begin
  foreach tenant_table in array array['endpoints', 'endpoint_deliveries', 'reporter_tokens', 'blocked_reporters']
  loop
    execute format('alter table fc.%I enable row level security', tenant_table);
    execute format('alter table fc.%I force row level security', tenant_table);
    execute format(
      'create policy tenant on fc.%I using ((select fc.is_system()) or project_id = any (array(select fc.my_project_ids())))',
      tenant_table);
  end loop;
end
$$;
