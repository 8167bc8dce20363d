-- How long things are kept, by project; and what only the owner of the tables may remove.
alter table fc.projects
  add column log_days int not null default 90 check (log_days between 1 and 3650),
  add column private_days int not null default 180 check (private_days between 1 and 3650),
  -- When the rows of a deleted project go, if not a week after its deletion: an owner wants it now.
  add column purge_at timestamptz;
create index run_logs_age on fc.run_logs using brin (timestamp);

-- Log lines are append-only for everybody else. Some at a time; tells how many went.
create function fc.forget_logs(most int) returns bigint
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
revoke execute on function fc.forget_logs(int) from public;
grant execute on function fc.forget_logs(int) to feedback_chat_app;
