-- Looked up at every action, webhook event and follow; and what a deleted row points at is looked for here.
create index job_queue_run on fc.job_queue (run_id);
create index job_queue_worker on fc.job_queue (worker_id) where worker_id is not null;
create index job_queue_snapshot on fc.job_queue (snapshot_id);
create index pipeline_runs_of_issue on fc.pipeline_runs (issue_id);
create index pipeline_runs_parent on fc.pipeline_runs (parent_run_id) where parent_run_id is not null;
create index outbox_run on fc.outbox (run_id);
create index run_actions_run on fc.run_actions (run_id);
