-- The instance's GitHub App, and projects that are connected by it instead of by a token and a webhook of their own.

-- At most one row. The three secrets are sealed like a credential.
create table fc.github_app (
  is_only boolean primary key default true check (is_only),
  app_id bigint not null,
  slug text not null,
  html_url text not null,
  client_id text not null,
  private_key bytea not null,
  webhook_secret bytea not null,
  client_secret bytea not null,
  -- When a delivery with the app's signature came last.
  heard_at timestamptz,
  created_at timestamptz not null default now()
);

-- What a browser carries through GitHub's pages and back: used once, by the person and in the session that it was made for.
create table fc.github_states (
  hash bytea primary key,
  session_hash bytea not null,
  user_id uuid not null references fc.users (id) on delete cascade,
  -- Null: the app itself is being made.
  project_id uuid references fc.projects (id) on delete cascade,
  expires_at timestamptz not null
);
create index github_states_age on fc.github_states (expires_at);

-- Deliveries to the app's one webhook that were taken: what GitHub lists beyond these was missed.
create table fc.github_app_deliveries (
  guid text primary key,
  event text not null,
  action text,
  installation_id bigint,
  repository_id bigint,
  created_at timestamptz not null default now()
);
create index github_app_deliveries_age on fc.github_app_deliveries (created_at);

do $$
declare
  system_table text;
begin
  foreach system_table in array array['github_app', 'github_states', 'github_app_deliveries']
  loop
    execute format('alter table fc.%I enable row level security', system_table);
    execute format('alter table fc.%I force row level security', system_table);
    execute format('create policy system_only on fc.%I using ((select fc.is_system()))', system_table);
    execute format('grant select, insert, update, delete on fc.%I to feedback_chat_app', system_table);
  end loop;
end
$$;

-- `removed`: the app was uninstalled or lost the repository. Only a person connects it again.
alter table fc.projects
  add column github_access text check (github_access in ('active', 'suspended', 'removed')),
  add constraint projects_github_access check ((github_access is null) = (github_installation_id is null));
create index projects_installation on fc.projects (github_installation_id) where github_installation_id is not null;

-- One event may come by the project's webhook and by the app's. `meaning` is the same for both, whatever their GUIDs.
alter table fc.webhook_events
  add column way text not null default 'project' check (way in ('project', 'app')),
  add column meaning bytea;
create index webhook_events_meaning on fc.webhook_events (project_id, meaning) where meaning is not null;
