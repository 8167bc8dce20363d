-- What the attempt that holds the job has logged: lines past the limit are counted and not stored.
alter table fc.job_queue add column logged_lines int not null default 0, add column logged_bytes int not null default 0;
