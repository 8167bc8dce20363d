-- A person's approval may merge, where the project says so; what stood in the way is noted.
insert into fc.run_moves (from_stage, event, to_stage) values ('preview_ready', 'merge_refused', 'preview_ready');

-- The account at GitHub that a person signed in with: GitHub's id of it, which outlives its login. Of the rest of
-- better-auth's tables the runtime role sees nothing.
create function fc.github_account_of(of_user uuid) returns bigint
language plpgsql stable security definer set search_path = '' as
$$
begin
  -- better-auth makes its tables after the first migrations.
  if to_regclass('auth.account') is null then return null; end if;
  return (select a."accountId"::bigint from auth.account a
    where a."userId" = of_user::text and a."providerId" = 'github' order by a."createdAt" desc limit 1);
end
$$;
revoke execute on function fc.github_account_of(uuid) from public;
grant execute on function fc.github_account_of(uuid) to feedback_chat_app;
