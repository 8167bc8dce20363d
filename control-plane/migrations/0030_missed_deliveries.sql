-- Deliveries are listed, replayed, and lose their bodies after 30 days.
create index webhook_events_newest on fc.webhook_events (project_id, id desc);
create index webhook_events_with_body on fc.webhook_events (created_at) where body is not null;

-- `of_kind` as in the table of routes. `run_id` is a job's.
create or replace function fc.tenant_of(of_kind text, of_id uuid)
returns table (workspace_id uuid, project_id uuid, run_id uuid)
language plpgsql stable set role to feedback_chat_app set search_path = '' as
$$
declare
  was constant text := coalesce(current_setting('fc.system', true), '');
begin
  perform set_config('fc.system', 'on', true);
  case of_kind
    when 'project' then return query
      select p.workspace_id, p.id, null::uuid from fc.projects p where p.id = of_id and p.deleted_at is null;
    when 'workspace' then return query
      select w.id, null::uuid, null::uuid from fc.workspaces w where w.id = of_id;
    when 'run' then return query
      select p.workspace_id, p.id, null::uuid from fc.pipeline_runs r join fc.projects p on p.id = r.project_id
      where r.id = of_id and p.deleted_at is null;
    when 'job' then return query
      select p.workspace_id, p.id, j.run_id from fc.job_queue j join fc.projects p on p.id = j.project_id
      where j.id = of_id and p.deleted_at is null;
    when 'key' then return query
      select coalesce(k.workspace_id, p.workspace_id), k.project_id, null::uuid
      from fc.api_keys k left join fc.projects p on p.id = k.project_id where k.id = of_id and k.kind <> 'user';
    when 'credential' then return query
      select p.workspace_id, p.id, null::uuid from fc.credentials c join fc.projects p on p.id = c.project_id
      where c.id = of_id and p.deleted_at is null;
    when 'worker' then return query
      select w.workspace_id, null::uuid, null::uuid from fc.workers w where w.id = of_id;
    when 'feedback' then return query
      select p.workspace_id, p.id, null::uuid from fc.feedback f join fc.projects p on p.id = f.project_id
      where f.id = of_id and p.deleted_at is null;
    when 'webhook_event' then return query
      select p.workspace_id, p.id, null::uuid from fc.webhook_events w join fc.projects p on p.id = w.project_id
      where w.id = of_id and p.deleted_at is null;
  end case;
  perform set_config('fc.system', was, true);
end
$$;
