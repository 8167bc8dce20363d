-- Since when a waiting job could have been claimed: a run that waited for its turn, or for a pause to end, did not wait
-- for a worker. Null: there was always room.
alter table fc.projects add column room_since timestamptz;
alter table fc.instance add column resumed_at timestamptz;

-- A worker chooses its claim ids: the same one of another worker is another claim.
drop index fc.job_queue_claim;
create unique index job_queue_claim on fc.job_queue (claim_id, worker_id) where claim_id is not null;
