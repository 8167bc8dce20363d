-- Who of the replicas does what one is enough for, and until when: whoever stops saying so is followed by another.
-- Lost in a crash, which is fine.
create unlogged table fc.leads (
  name text primary key,
  holder uuid not null,
  until timestamptz not null
);
grant select, insert, update, delete on fc.leads to feedback_chat_app;
alter table fc.leads enable row level security;
alter table fc.leads force row level security;
create policy system_only on fc.leads using ((select fc.is_system()));
