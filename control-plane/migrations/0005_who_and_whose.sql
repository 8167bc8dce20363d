-- What each request asks first, in one round trip and no transaction of the caller's: who carries a key, and whose a
-- thing is. They take the role and the scope themselves, for as long as they run: nobody is known yet.

-- Each takes its turn of `per_minute` in the same round trip; null takes none. A lease's requests count for its job.
create function fc.carrier_of(hash bytea, of_job text, per_minute int)
returns table (id uuid, kind text, workspace_id uuid, project_id uuid, user_id uuid, prefix text, scopes text[],
  is_revoked boolean, is_expired boolean, login text, email text, is_operator boolean, roles jsonb, wait_seconds double precision)
language plpgsql set role to feedback_chat_app set search_path = '' as
$$
declare
  was constant text := coalesce(current_setting('fc.system', true), '');
  found_key fc.api_keys%rowtype;
begin
  perform set_config('fc.system', 'on', true);
  select k.* into found_key from fc.api_keys k where k.key_hash = hash;
  if not found then
    perform set_config('fc.system', was, true);
    return;
  end if;
  if found_key.revoked_at is null and (found_key.last_used_at is null or found_key.last_used_at < now() - interval '1 minute') then
    update fc.api_keys k set last_used_at = now() where k.id = found_key.id;
  end if;
  return query
    select found_key.id, found_key.kind, found_key.workspace_id, found_key.project_id, found_key.user_id, found_key.prefix,
      found_key.scopes, found_key.revoked_at is not null, coalesce(found_key.expires_at <= now(), false),
      u.login, u.email, u.is_operator,
      (select jsonb_object_agg(m.workspace_id, m.role) from fc.workspace_members m where m.user_id = u.id),
      case when per_minute is null or found_key.revoked_at is not null then 0
        else fc.take_turn(concat_ws(':', 'key', found_key.id, of_job), per_minute) end
    from (select found_key.user_id as id) as named left join fc.users u on u.id = named.id;
  perform set_config('fc.system', was, true);
end
$$;

-- `of_kind` as in the table of routes. `run_id` is a job's.
create function fc.tenant_of(of_kind text, of_id uuid)
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
  end case;
  perform set_config('fc.system', was, true);
end
$$;
