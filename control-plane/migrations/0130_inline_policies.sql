-- Policies read the transaction's settings inline. A SQL function with `set search_path` cannot be inlined, so Postgres
-- planned each call anew: half of the time that a delivery cost it. Written as uncorrelated subselects, each setting is
-- read once per statement and planned with it.
do $$
declare
  is_system constant text := $sql$(select current_setting('fc.system', true) = 'on')$sql$;
  my_project constant text := $sql$(select nullif(current_setting('fc.project', true), '')::uuid)$sql$;
  my_workspace constant text := $sql$(select nullif(current_setting('fc.workspace', true), '')::uuid)$sql$;
  of_my_projects constant text := format(
    'project_id = any (array(select %s union all select p.id from fc.projects p where p.workspace_id = %s))',
    my_project, my_workspace);
  my_workspaces constant text := format(
    'any (array(select %s union all select p.workspace_id from fc.projects p where p.id = %s))',
    my_workspace, my_project);
  old record;
  rule text;
begin
  for old in
    select p.tablename, p.policyname, p.qual from pg_policies p where p.schemaname = 'fc' and p.qual like '%fc.is_system()%'
  loop
    rule := case
      when old.policyname = 'system_only' then is_system
      when old.tablename = 'projects' then format('%s or id = %s or workspace_id = %s', is_system, my_project, my_workspace)
      when old.tablename = 'workspaces' then format('%s or id = %s', is_system, my_workspaces)
      when old.tablename = 'api_keys' then
        format('%s or %s or (project_id is null and workspace_id = %s)', is_system, of_my_projects, my_workspace)
      when old.tablename = 'audit_logs' then format('%s or %s or workspace_id = %s', is_system, of_my_projects, my_workspace)
      when old.qual like '%my_project_ids%' then format('%s or %s', is_system, of_my_projects)
      when old.qual like '%my_workspace_ids%' then format('%s or workspace_id = %s', is_system, my_workspaces)
    end;
    if rule is null then
      raise exception 'no inline form for policy % of fc.%', old.policyname, old.tablename;
    end if;
    execute format('alter policy %I on fc.%I using (%s)', old.policyname, old.tablename, rule);
  end loop;
end
$$;

drop function fc.my_project_ids();
drop function fc.my_workspace_ids();
drop function fc.my_project();
drop function fc.my_workspace();
drop function fc.is_system();
