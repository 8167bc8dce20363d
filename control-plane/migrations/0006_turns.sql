-- Limits per minute, for all replicas together. `next_at`: when the bucket would be empty again if it were served now
-- (GCRA: each request moves it by a minute's share, and a full minute ahead is full). Lost in a crash, which is fine.
create unlogged table fc.turns (
  bucket text primary key,
  next_at timestamptz not null
);
grant select, insert, update, delete on fc.turns to feedback_chat_app;
alter table fc.turns enable row level security;
alter table fc.turns force row level security;
create policy system_only on fc.turns using ((select fc.is_system()));

-- Null for no limit. Seconds to wait, 0 when it is this one's turn. A refused request moves nothing, so what it is told is true.
create function fc.take_turn(of_bucket text, per_minute int) returns double precision
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
