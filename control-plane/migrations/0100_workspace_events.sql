-- The one stream of all runs of a workspace. Its numbers are given when it is read, under the workspace's row, to what
-- was committed by then: no writer ever waits for another project's, and the numbers have no gap. A workspace whose
-- stream nobody has read has none.
alter table fc.workspaces add column next_seq bigint;

create table fc.workspace_events (
  workspace_id uuid not null references fc.workspaces (id) on delete cascade,
  seq bigint not null,
  project_id uuid not null references fc.projects (id) on delete cascade,
  project_seq bigint not null,
  primary key (workspace_id, seq),
  unique (project_id, project_seq)
);

-- Up to which of a project's events the workspace's numbers go.
create table fc.workspace_marks (
  project_id uuid primary key references fc.projects (id) on delete cascade,
  workspace_id uuid not null references fc.workspaces (id) on delete cascade,
  project_seq bigint not null
);
create index workspace_marks_workspace on fc.workspace_marks (workspace_id);

grant select, insert, update, delete on fc.workspace_events, fc.workspace_marks to feedback_chat_app;

do $$
declare
  tenant_table text;
begin
  foreach tenant_table in array array['workspace_events', 'workspace_marks']
  loop
    execute format('alter table fc.%I enable row level security', tenant_table);
    execute format('alter table fc.%I force row level security', tenant_table);
    execute format(
      'create policy tenant on fc.%I using ((select fc.is_system()) or workspace_id = any (array(select fc.my_workspace_ids())))',
      tenant_table);
  end loop;
end
$$;
