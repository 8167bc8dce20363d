-- Talks behind reports, kept only where a project wants it (its setting `storeTalks`), and for so many days.
alter table fc.projects add column talk_days int not null default 180 check (talk_days between 1 and 3650);

create table fc.conversations (
  id uuid primary key,
  project_id uuid not null references fc.projects (id) on delete cascade,
  channel text not null check (channel in ('widget', 'embed', 'telegram', 'whatsapp', 'email', 'api')),
  client_id text not null,
  reporter_hash bytea,
  created_at timestamptz not null default now(),
  -- When it was last told: its days count from here.
  updated_at timestamptz not null default now(),
  unique (project_id, client_id)
);
create index conversations_reporter on fc.conversations (project_id, reporter_hash) where reporter_hash is not null;

create table fc.messages (
  conversation_id uuid not null references fc.conversations (id) on delete cascade,
  seq bigint not null,
  project_id uuid not null references fc.projects (id) on delete cascade,
  role text not null check (role in ('reporter', 'assistant', 'member')),
  text text not null,
  said_at timestamptz not null,
  primary key (conversation_id, seq)
);
create index messages_project on fc.messages (project_id);

alter table fc.feedback add column conversation_id uuid references fc.conversations (id) on delete set null;
create index feedback_conversation on fc.feedback (conversation_id) where conversation_id is not null;

grant select, insert, update, delete on fc.conversations, fc.messages to feedback_chat_app;

do $$
declare
  tenant_table text;
begin
  foreach tenant_table in array array['conversations', 'messages']
  loop
    execute format('alter table fc.%I enable row level security', tenant_table);
    execute format('alter table fc.%I force row level security', tenant_table);
    execute format(
      'create policy tenant on fc.%I using ((select fc.is_system()) or project_id = any (array(select fc.my_project_ids())))',
      tenant_table);
  end loop;
end
$$;
