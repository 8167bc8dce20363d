-- Hosted databases give nobody a superuser, and only a superuser may make a function with a setting of our own in its
-- head. So these set it in their bodies, and put back what stood there: they may run inside a tenant's transaction. The
-- files above say the same since; here it is for databases that a superuser made before.

create or replace function fc.carrier_of(hash bytea, of_job text, per_minute int)
returns table (id uuid, kind text, workspace_id uuid, project_id uuid, user_id uuid, prefix text, scopes text[],
  is_revoked boolean, is_expired boolean, login text, email text, is_operator boolean, roles jsonb, wait_seconds double precision)
language plpgsql set role to feedback_chat_app set search_path = '' as
$$
declare
  was constant text := coalesce(current_setting('fc.system', true), '');
  found_key fc.api_keys%rowtype;
  -- The release before sends the text of the path.
  asked_job constant uuid := case when of_job ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then of_job::uuid end;
  held_job uuid;
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
  if asked_job is not null and found_key.kind = 'worker' then
    select j.id into held_job from fc.job_queue j join fc.workers w on w.id = j.worker_id
    where j.id = asked_job and j.status = 'processing' and w.key_id = found_key.id;
  end if;
  return query
    select found_key.id, found_key.kind, found_key.workspace_id, found_key.project_id, found_key.user_id, found_key.prefix,
      found_key.scopes, found_key.revoked_at is not null, coalesce(found_key.expires_at <= now(), false),
      u.login, u.email, u.is_operator,
      (select jsonb_object_agg(m.workspace_id, m.role) from fc.workspace_members m where m.user_id = u.id),
      case when per_minute is null or found_key.revoked_at is not null then 0
        else fc.take_turn(concat_ws(':', 'key', found_key.id, held_job), per_minute) end
    from (select found_key.user_id as id) as named left join fc.users u on u.id = named.id;
  perform set_config('fc.system', was, true);
end
$$;

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

create or replace function fc.take_turn(of_bucket text, per_minute int) returns double precision
language plpgsql strict set role to feedback_chat_app set search_path = '' as
$$
declare
  was constant text := coalesce(current_setting('fc.system', true), '');
  share constant interval := interval '1 minute' / per_minute;
  now_at constant timestamptz := clock_timestamp();
  full_at timestamptz;
  wait_seconds double precision := 0;
begin
  perform set_config('fc.system', 'on', true);
  insert into fc.turns as t (bucket, next_at) values (of_bucket, now_at + share)
  on conflict (bucket) do update set next_at = greatest(t.next_at, now_at) + share
    where greatest(t.next_at, now_at) + share <= now_at + interval '1 minute';
  if not found then
    select t.next_at into full_at from fc.turns t where t.bucket = of_bucket;
    wait_seconds := extract(epoch from full_at + share - interval '1 minute' - now_at);
  end if;
  perform set_config('fc.system', was, true);
  return wait_seconds;
end
$$;

create or replace function fc.forget_logs(most int) returns bigint
language plpgsql security definer set search_path = '' as
$$
declare
  was constant text := coalesce(current_setting('fc.system', true), '');
  gone bigint;
begin
  perform set_config('fc.system', 'on', true);
  with old as (
    select l.run_id, l.seq from fc.run_logs l join fc.projects p on p.id = l.project_id
    where l.timestamp < now() - interval '1 day' and l.timestamp < now() - make_interval(days => p.log_days) limit most
  )
  delete from fc.run_logs l using old where l.run_id = old.run_id and l.seq = old.seq;
  get diagnostics gone = row_count;
  perform set_config('fc.system', was, true);
  return gone;
end
$$;
