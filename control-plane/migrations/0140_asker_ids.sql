-- A login can be renamed and taken by somebody else: rights are asked of the account with this id.
alter table fc.issue_snapshots add column asked_by_github_id bigint;
