-- What is counted over the last hour is found without reading all that ever was.
create index run_events_age on fc.run_events using brin (created_at);
create index webhook_events_age on fc.webhook_events using brin (created_at);
