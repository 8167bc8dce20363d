-- A rotated secret of an endpoint signs beside the new one until its grace ends.
alter table fc.endpoints add column secret_previous bytea, add column secret_previous_until timestamptz,
  add constraint endpoints_previous check ((secret_previous is null) = (secret_previous_until is null));

-- A question about a private repository reaches its reporter once a person has let it out.
alter table fc.pipeline_runs add column question_released_at timestamptz;
insert into fc.run_moves (from_stage, event, to_stage) values ('queued', 'question_released', 'queued');

-- What its reporter said was not right, each time: data for the next run, never an instruction to one.
alter table fc.feedback add column reopened_words text[] not null default '{}', add column reopened_at timestamptz;
