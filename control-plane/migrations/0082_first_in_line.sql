-- The order in which a workspace's jobs are due, whatever their projects: a claim looks at its head first.
alter table fc.job_queue add column workspace_id uuid;
update fc.job_queue j set workspace_id = p.workspace_id from fc.projects p where p.id = j.project_id;

-- By a trigger, so that the release before this one, which does not know the column, fills it too.
create function fc.name_workspace() returns trigger language plpgsql set search_path = '' as
$$
begin
  new.workspace_id := (select p.workspace_id from fc.projects p where p.id = new.project_id);
  return new;
end
$$;
create trigger job_queue_workspace before insert on fc.job_queue for each row execute function fc.name_workspace();

alter table fc.job_queue alter column workspace_id set not null;
create index job_queue_line on fc.job_queue (workspace_id, priority, run_at, id) include (project_id)
  where status = 'pending' and run_at < 'infinity';
