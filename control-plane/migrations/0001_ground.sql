-- Schema `fc`: all tables of ours. better-auth's tables live in the schema `auth` and are made by its own migrator.
-- Our SQL always names its schema, so that one pool serves both.
--
-- Tenancy: every transaction takes the role feedback_chat_app and says for whom it works (fc.project, fc.workspace
-- or fc.system, all transaction-local). A transaction that says nothing sees no row. See src/platform/as-tenant.ts.

do $$
begin
  if not exists (select from pg_roles where rolname = 'feedback_chat_app') then
    create role feedback_chat_app nologin noinherit nosuperuser nobypassrls;
  end if;
exception when duplicate_object or unique_violation then
  null; -- another migrator on the same server made it meanwhile: roles are shared by all databases
end
$$;
grant feedback_chat_app to current_user;
grant usage on schema fc to feedback_chat_app;

create function fc.is_system() returns boolean language sql stable set search_path = '' as
$$ select coalesce(current_setting('fc.system', true), '') = 'on' $$;

create function fc.my_project() returns uuid language sql stable set search_path = '' as
$$ select nullif(current_setting('fc.project', true), '')::uuid $$;

create function fc.my_workspace() returns uuid language sql stable set search_path = '' as
$$ select nullif(current_setting('fc.workspace', true), '')::uuid $$;

-- People ------------------------------------------------------------------------------------------------------------

create table fc.users (
  id uuid primary key,
  email text unique,
  name text not null default '',
  login text not null,
  is_operator boolean not null default false,
  created_at timestamptz not null default now()
);

-- Wrong passwords by account and address; the key is a hash of both.
create table fc.login_failures (
  key bytea primary key,
  failures int not null,
  last_at timestamptz not null default now()
);

create table fc.workspaces (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table fc.workspace_members (
  workspace_id uuid not null references fc.workspaces (id) on delete cascade,
  user_id uuid not null references fc.users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null default now(),
  primary key (workspace_id, user_id)
);
create index workspace_members_user on fc.workspace_members (user_id);

create table fc.invites (
  id uuid primary key,
  workspace_id uuid not null references fc.workspaces (id) on delete cascade,
  email text not null,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  token_hash bytea not null unique,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  created_at timestamptz not null default now()
);

-- Projects ----------------------------------------------------------------------------------------------------------

create table fc.projects (
  id uuid primary key,
  workspace_id uuid not null references fc.workspaces (id) on delete cascade,
  user_id uuid references fc.users (id) on delete set null,
  name text not null,
  github_repo text not null,
  github_repo_id bigint,
  github_installation_id bigint,
  is_private boolean not null default false,
  -- Sealed like a credential; the previous one works until its time is over.
  webhook_secret bytea not null,
  webhook_secret_previous bytea,
  webhook_secret_previous_until timestamptz,
  webhook_verified_at timestamptz,
  trigger_label text not null default 'auto-implement',
  settings jsonb not null default '{}',
  is_paused boolean not null default false,
  max_concurrent_runs int not null default 1 check (max_concurrent_runs > 0),
  running_jobs int not null default 0 check (running_jobs >= 0),
  next_seq bigint not null default 1,
  deleted_at timestamptz,
  created_at timestamptz not null default now()
);
create unique index projects_name on fc.projects (workspace_id, lower(name)) where deleted_at is null;
create index projects_repository on fc.projects (github_repo_id);

create function fc.my_project_ids() returns setof uuid language sql stable set search_path = '' as
$$
  select fc.my_project() where fc.my_project() is not null
  union all
  select p.id from fc.projects p where p.workspace_id = fc.my_workspace()
$$;

create function fc.my_workspace_ids() returns setof uuid language sql stable set search_path = '' as
$$
  select fc.my_workspace() where fc.my_workspace() is not null
  union all
  select p.workspace_id from fc.projects p where p.id = fc.my_project()
$$;

-- All bearer secrets of ours: project keys (fcp_), worker keys (fcw_), CLI tokens (fcu_).
create table fc.api_keys (
  id uuid primary key,
  workspace_id uuid references fc.workspaces (id) on delete cascade,
  project_id uuid references fc.projects (id) on delete cascade,
  user_id uuid references fc.users (id) on delete cascade,
  kind text not null check (kind in ('project', 'worker', 'user')),
  name text not null default '',
  key_hash bytea not null unique,
  prefix text not null,
  scopes text[] not null default '{}',
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  rotated_from uuid references fc.api_keys (id) on delete set null,
  created_at timestamptz not null default now(),
  check ((kind = 'project') = (project_id is not null)),
  check ((kind = 'user') = (user_id is not null)),
  check (kind = 'user' or workspace_id is not null)
);
create index api_keys_project on fc.api_keys (project_id);
create index api_keys_workspace on fc.api_keys (workspace_id);

create table fc.credentials (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  type text not null check (type in ('anthropic_api_key', 'claude_oauth', 'github_token')),
  -- nonce ‖ ciphertext ‖ tag, under a key of its own that is wrapped by the master key `kek_id`.
  encrypted_value bytea not null,
  wrapped_dek bytea not null,
  kek_id text not null,
  version int not null default 1,
  last4 text not null,
  status text not null default 'unverified' check (status in ('unverified', 'ok', 'rejected')),
  created_at timestamptz not null default now(),
  unique (project_id, type)
);

-- One row: what is true of the whole instance.
create table fc.instance (
  is_only boolean primary key default true check (is_only),
  is_paused boolean not null default false,
  master_key_canary bytea,
  owner_code_hash bytea,
  owner_code_expires_at timestamptz
);
insert into fc.instance default values;

-- What was said, and the issue made of it ---------------------------------------------------------------------------

create table fc.issues (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  number int not null,
  title text not null,
  author text not null,
  url text not null,
  state text not null default 'open' check (state in ('open', 'closed', 'deleted')),
  ever_had_feedback_label boolean not null default false,
  github_updated_at timestamptz not null,
  created_at timestamptz not null default now(),
  unique (project_id, number)
);

create table fc.feedback (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  issue_id uuid references fc.issues (id) on delete set null,
  channel text not null check (channel in ('widget', 'embed', 'telegram', 'whatsapp', 'email', 'api')),
  client_id text,
  public_text text not null,
  private_text text,
  reporter_hash bytea,
  created_at timestamptz not null default now(),
  unique (project_id, client_id)
);
create index feedback_issue on fc.feedback (issue_id);

create table fc.issue_snapshots (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  issue_id uuid not null references fc.issues (id) on delete cascade,
  title text not null,
  body text not null,
  labels text[] not null,
  author text not null,
  source text not null check (source in ('webhook', 'poll', 'retry')),
  comments jsonb not null default '[]',
  -- GitHub's clock: an event of the issue that is not newer starts no other run.
  issue_updated_at timestamptz,
  -- Who put the trigger label there, if the event said so: the gate asks for that person's rights.
  asked_by text,
  frozen_at timestamptz not null default now()
);
create index issue_snapshots_issue on fc.issue_snapshots (issue_id, issue_updated_at);

-- Queue and runs ----------------------------------------------------------------------------------------------------

create table fc.workers (
  id uuid primary key,
  workspace_id uuid not null references fc.workspaces (id) on delete cascade,
  key_id uuid references fc.api_keys (id) on delete set null,
  name text not null,
  version text not null,
  capabilities jsonb not null,
  public_key text not null,
  concurrency int not null,
  is_draining boolean not null default false,
  last_seen_at timestamptz not null default now(),
  created_at timestamptz not null default now()
);
create index workers_workspace on fc.workers (workspace_id);

create table fc.job_queue (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  run_id uuid,
  github_issue_number int not null,
  issue_body text not null,
  snapshot_id uuid references fc.issue_snapshots (id) on delete set null,
  status text not null default 'pending' check (status in ('pending', 'processing', 'done', 'failed')),
  priority int not null default 10,
  -- `infinity` = parked: nobody claims it until it is unparked.
  run_at timestamptz not null default now(),
  resume_at text not null default 'snapshot',
  attempt int not null default 0,
  max_attempts int not null default 3,
  extra_attempts int not null default 0,
  worker_id uuid references fc.workers (id) on delete set null,
  locked_at timestamptz,
  claim_id uuid,
  lease_token uuid,
  lease_expires_at timestamptz,
  cancel_requested_at timestamptz,
  -- Who asked, why, and where the run goes then: {actor, reason, then}.
  cancel jsonb,
  permit_id uuid,
  -- The ending that was accepted, so that the same call again gives the same answer.
  ending jsonb,
  ended_lease text,
  created_at timestamptz not null default now(),
  completed_at timestamptz,
  check ((status = 'processing') = (lease_token is not null)),
  check ((status in ('done', 'failed')) = (completed_at is not null))
);
create unique index job_queue_one_per_issue on fc.job_queue (project_id, github_issue_number)
  where status in ('pending', 'processing');
-- A claim looks at the first job of each project that has room: a project at its limit costs nothing, whatever it
-- has waiting. Parked jobs are not in here.
create index job_queue_next on fc.job_queue (project_id, priority, run_at, id)
  where status = 'pending' and run_at < 'infinity';
create index job_queue_leases on fc.job_queue (lease_expires_at) where status = 'processing';
create unique index job_queue_claim on fc.job_queue (claim_id) where claim_id is not null;

create table fc.run_moves (
  from_stage text not null,
  event text not null,
  to_stage text not null,
  primary key (from_stage, event),
  unique (from_stage, event, to_stage)
);

create table fc.pipeline_runs (
  id uuid primary key,
  job_id uuid not null references fc.job_queue (id) on delete cascade,
  project_id uuid not null references fc.projects (id) on delete cascade,
  parent_run_id uuid references fc.pipeline_runs (id) on delete set null,
  issue_id uuid not null references fc.issues (id) on delete cascade,
  github_issue_number int not null,
  github_pr_number int,
  pr_url text,
  preview_url text,
  -- What was pushed, and the commit that the pull request became when it was merged: deployments name commits.
  head_sha text,
  merge_sha text,
  branch text not null,
  origin text not null default 'public' check (origin in ('public', 'maintainer')),
  triggered_by text not null,
  stage text not null check (stage in
    ('created', 'queued', 'running', 'validating', 'preview_ready', 'deployed', 'failed', 'rejected')),
  phase text,
  waiting_for text check (waiting_for in ('worker', 'approval', 'reporter', 'budget', 'github', 'credential')),
  -- Since when it stands as it stands: deadlines count from here.
  standing_since timestamptz not null default now(),
  result text check (result in ('success', 'failed', 'rejected')),
  reason text,
  reason_text text,
  -- What the worker asked to publish, and which tree a person approved: the permit compares them.
  permit_request jsonb,
  approved_tree_id text,
  approved_by text,
  -- The last tree that got a permit: from then on the branch may be on GitHub.
  permitted_tree_id text,
  change_request text,
  question text,
  answer text,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  cost_micro_usd bigint not null default 0,
  next_seq bigint not null default 1,
  started_at timestamptz not null default now(),
  completed_at timestamptz,
  check ((result is not null) = (stage in ('deployed', 'failed', 'rejected'))),
  check ((completed_at is not null) = (result is not null)),
  check (completed_at >= started_at)
);
create index pipeline_runs_project on fc.pipeline_runs (project_id, started_at desc, id desc);
create index pipeline_runs_issue on fc.pipeline_runs (project_id, github_issue_number);
create index pipeline_runs_job on fc.pipeline_runs (job_id);
create index pipeline_runs_standing on fc.pipeline_runs (standing_since) where result is null;
alter table fc.job_queue add constraint job_queue_run
  foreign key (run_id) references fc.pipeline_runs (id) on delete set null deferrable initially deferred;

-- A CHECK cannot see the old row, so a trigger refuses a stage that no event leads to.
create function fc.refuse_illegal_stage() returns trigger language plpgsql set search_path = '' as
$$
begin
  if not exists (select from fc.run_moves m where m.from_stage = old.stage and m.to_stage = new.stage) then
    raise exception 'no move from % to %', old.stage, new.stage using errcode = 'check_violation';
  end if;
  return new;
end
$$;
create trigger pipeline_runs_stage before update of stage on fc.pipeline_runs
  for each row when (old.stage is distinct from new.stage) execute function fc.refuse_illegal_stage();

-- Events and log lines of a run share one counter (pipeline_runs.next_seq): together they have no gap,
-- and one `Last-Event-ID` resumes both.
create table fc.run_events (
  run_id uuid not null references fc.pipeline_runs (id) on delete cascade,
  seq bigint not null,
  project_id uuid not null references fc.projects (id) on delete cascade,
  project_seq bigint not null,
  event_id uuid,
  from_stage text not null,
  event text not null,
  to_stage text not null,
  phase text,
  waiting_for text,
  reason text,
  detail text,
  attempt int not null,
  actor jsonb not null,
  created_at timestamptz not null default now(),
  primary key (run_id, seq),
  unique (project_id, project_seq),
  foreign key (from_stage, event, to_stage) references fc.run_moves (from_stage, event, to_stage) on delete restrict
);
create unique index run_events_once on fc.run_events (run_id, event_id) where event_id is not null;

create table fc.run_logs (
  run_id uuid not null references fc.pipeline_runs (id) on delete cascade,
  seq bigint not null,
  project_id uuid not null references fc.projects (id) on delete cascade,
  attempt int not null,
  "offset" int not null,
  timestamp timestamptz not null default now(),
  level text not null default 'info' check (level in ('debug', 'info', 'warn', 'error')),
  message text not null,
  primary key (run_id, seq),
  unique (run_id, attempt, "offset")
);

create table fc.artifacts (
  id uuid primary key,
  run_id uuid not null references fc.pipeline_runs (id) on delete cascade,
  project_id uuid not null references fc.projects (id) on delete cascade,
  name text not null,
  sha256 bytea not null,
  size_bytes int not null check (size_bytes <= 10485760),
  content bytea not null,
  created_at timestamptz not null default now(),
  unique (run_id, name)
);

create table fc.run_actions (
  id uuid primary key,
  run_id uuid not null references fc.pipeline_runs (id) on delete cascade,
  project_id uuid not null references fc.projects (id) on delete cascade,
  action text not null,
  comment text,
  actor jsonb not null,
  created_at timestamptz not null default now()
);

create table fc.spend_reservations (
  id uuid primary key,
  request_id uuid not null,
  run_id uuid not null references fc.pipeline_runs (id) on delete cascade,
  project_id uuid not null references fc.projects (id) on delete cascade,
  reserved_micro_usd bigint not null check (reserved_micro_usd >= 0),
  -- Null while open: an open reservation counts as spent.
  settled_micro_usd bigint check (settled_micro_usd >= 0),
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  created_at timestamptz not null default now(),
  settled_at timestamptz,
  unique (run_id, request_id)
);
create index spend_reservations_day on fc.spend_reservations (project_id, created_at);

-- In and out --------------------------------------------------------------------------------------------------------

create table fc.webhook_events (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  guid text not null,
  event text not null,
  action text,
  body_sha256 bytea not null,
  issue_number int,
  issue_updated_at timestamptz,
  status text not null check (status in ('queued', 'already_queued', 'duplicate', 'ignored', 'pong', 'handled')),
  reason text,
  body bytea,
  created_at timestamptz not null default now(),
  unique (project_id, guid)
);
create index webhook_events_body on fc.webhook_events (project_id, body_sha256);

create table fc.outbox (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  run_id uuid references fc.pipeline_runs (id) on delete cascade,
  -- What has to be done outside: issue_labels, issue_comment, close_issue, reopen_issue, close_pull, mark_ready,
  -- delete_branch, or a notice to people: notice_held, notice_waiting, notice_failed.
  kind text not null,
  payload jsonb not null,
  attempts int not null default 0,
  run_at timestamptz not null default now(),
  locked_until timestamptz,
  done_at timestamptz,
  last_error text,
  created_at timestamptz not null default now()
);
create index outbox_due on fc.outbox (run_at, id) where done_at is null;

create table fc.idempotency_keys (
  principal text not null,
  route text not null,
  key text not null,
  body_sha256 bytea not null,
  status int,
  answer jsonb,
  created_at timestamptz not null default now(),
  primary key (principal, route, key)
);

-- Append-only, no foreign keys, no free text: it outlives what it speaks of.
create table fc.audit_logs (
  id uuid primary key,
  workspace_id uuid,
  project_id uuid,
  actor jsonb not null,
  action text not null,
  target text,
  created_at timestamptz not null default now()
);
create index audit_logs_workspace on fc.audit_logs (workspace_id, created_at desc);

-- Rights and walls --------------------------------------------------------------------------------------------------

grant select, insert, update, delete on all tables in schema fc to feedback_chat_app;
-- Append-only for everybody but the owner.
revoke update, delete on fc.run_events, fc.run_logs, fc.audit_logs from feedback_chat_app;
revoke insert, update, delete on fc.run_moves from feedback_chat_app;

do $$
declare
  tenant_table text;
begin
  -- By project. An array of the ids is made once per statement: a policy function per row costs 5,000 times as much.
  foreach tenant_table in array array['feedback', 'issues', 'issue_snapshots', 'job_queue', 'pipeline_runs',
    'run_events', 'run_logs', 'artifacts', 'run_actions', 'spend_reservations', 'webhook_events', 'outbox',
    'credentials']
  loop
    execute format('alter table fc.%I enable row level security', tenant_table);
    execute format('alter table fc.%I force row level security', tenant_table);
    execute format(
      'create policy tenant on fc.%I using ((select fc.is_system()) or project_id = any (array(select fc.my_project_ids())))',
      tenant_table);
  end loop;
  -- By workspace.
  foreach tenant_table in array array['workspace_members', 'invites', 'workers']
  loop
    execute format('alter table fc.%I enable row level security', tenant_table);
    execute format('alter table fc.%I force row level security', tenant_table);
    execute format(
      'create policy tenant on fc.%I using ((select fc.is_system()) or workspace_id = any (array(select fc.my_workspace_ids())))',
      tenant_table);
  end loop;
end
$$;

alter table fc.projects enable row level security;
alter table fc.projects force row level security;
create policy tenant on fc.projects using
  ((select fc.is_system()) or id = (select fc.my_project()) or workspace_id = (select fc.my_workspace()));

alter table fc.workspaces enable row level security;
alter table fc.workspaces force row level security;
create policy tenant on fc.workspaces using
  ((select fc.is_system()) or id = any (array(select fc.my_workspace_ids())));

alter table fc.api_keys enable row level security;
alter table fc.api_keys force row level security;
create policy tenant on fc.api_keys using
  ((select fc.is_system()) or project_id = any (array(select fc.my_project_ids()))
    or (project_id is null and workspace_id = (select fc.my_workspace())));

alter table fc.audit_logs enable row level security;
alter table fc.audit_logs force row level security;
create policy tenant on fc.audit_logs using
  ((select fc.is_system()) or project_id = any (array(select fc.my_project_ids())) or workspace_id = (select fc.my_workspace()));

-- Not of one tenant: read and written by the system alone.
alter table fc.users enable row level security;
alter table fc.users force row level security;
create policy system_only on fc.users using ((select fc.is_system()));
alter table fc.login_failures enable row level security;
alter table fc.login_failures force row level security;
create policy system_only on fc.login_failures using ((select fc.is_system()));
alter table fc.idempotency_keys enable row level security;
alter table fc.idempotency_keys force row level security;
create policy system_only on fc.idempotency_keys using ((select fc.is_system()));
alter table fc.instance enable row level security;
alter table fc.instance force row level security;
create policy system_only on fc.instance using ((select fc.is_system()));
