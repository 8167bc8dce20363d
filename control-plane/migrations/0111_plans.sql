-- Whose jobs come first: of a team's plan before a pro's before a free one's. The numbers are those of the claim's order.
alter table fc.projects add column plan text not null default 'free' check (plan in ('team', 'pro', 'free'));
alter table fc.projects add column priority int not null
  generated always as (case plan when 'team' then 1 when 'pro' then 5 else 10 end) stored;
