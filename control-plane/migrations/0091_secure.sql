-- Whose hands a key comes from: a person's token that somebody else made for them ends when they prove who they are.
-- Null (older rows) counts as somebody else's.
alter table fc.api_keys add column made_by uuid;

-- What speaks of a project goes with it, addresses and answers with secrets among it. Null: of no project.
alter table fc.mails add column project_id uuid references fc.projects (id) on delete cascade;
create index mails_project on fc.mails (project_id) where project_id is not null;
alter table fc.idempotency_keys add column project_id uuid references fc.projects (id) on delete cascade;
create index idempotency_keys_project on fc.idempotency_keys (project_id) where project_id is not null;

-- As in 0005, but the limit of a job is given only to the worker key that holds it: a made-up id opens no new bucket.
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
