import { sql } from "kysely";

/**
 * The project `p` may start another job: the one spelling of it, for claims, deadlines and notices. Needs the system's
 * scope, since the instance's pause belongs to no tenant.
 */
export const hasRoom = sql<boolean>`(p.deleted_at is null and not p.is_paused and p.running_jobs < p.max_concurrent_runs
  and not exists (select from fc.instance i where i.is_paused))`;

/** Since when a worker could have claimed the pending job `j` of run `r` in project `p`. */
export const claimableSince = sql<Date>`greatest(j.run_at, r.standing_since, p.room_since, (select i.resumed_at from fc.instance i))`;
