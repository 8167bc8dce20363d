-- Row level security and the purge of a project ask by project.
create index artifacts_project on fc.artifacts (project_id);
create index run_actions_project on fc.run_actions (project_id);
create index issue_snapshots_project on fc.issue_snapshots (project_id);
create index outbox_project on fc.outbox (project_id);
create index job_queue_project on fc.job_queue (project_id);
-- Of the table that grows fastest only a summary of its blocks: a project's lines stand together as they came.
create index run_logs_project on fc.run_logs using brin (project_id);
create index projects_workspace on fc.projects (workspace_id);
