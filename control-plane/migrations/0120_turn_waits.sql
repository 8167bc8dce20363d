-- Seconds until a bucket's next turn, taking none: for a statement of a tenant's own, which cannot see the buckets.
create function fc.wait_of_turn(of_bucket text, per_minute int) returns double precision
language plpgsql strict set role to feedback_chat_app set search_path = '' as
$$
declare
  was constant text := coalesce(current_setting('fc.system', true), '');
  wait_seconds double precision;
begin
  perform set_config('fc.system', 'on', true);
  select extract(epoch from t.next_at + interval '1 minute' / per_minute - interval '1 minute' - clock_timestamp())
    into wait_seconds from fc.turns t where t.bucket = of_bucket;
  perform set_config('fc.system', was, true);
  return greatest(0, coalesce(wait_seconds, 0));
end
$$;
