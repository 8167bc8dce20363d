import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { deadlinesOfWaits } from "../core/deadlines.ts";
import { claimableSince, hasRoom } from "../jobs/claimable.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { queueNotices, type Standing } from "./queue-notices.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;

const batchSize = 100;

/**
 * Tells people of a project's oldest run that waits for a worker where none is there at all: a queue behind a worker at
 * work is nobody's matter, and the runs behind the oldest wait for the same. Any replica may do it: it is said once.
 * @returns how many runs were told of.
 */
export async function tellOfAbsence(deps: Deps): Promise<number> {
  const { figures } = deps.config;
  const waits = deadlinesOfWaits(figures).filter(({ waitingFor }) => waitingFor === "worker");
  return asSystem(deps.db, async (tx) => {
    const { rows } = await sql<Omit<Standing, "kind" | "reason">>`
      select oldest."runId", p.id as "projectId", p.name as "projectName", p.workspace_id as "workspaceId",
        oldest."issueNumber", said.standing, oldest.since + make_interval(secs => waits.seconds) as "endsAt"
      from fc.projects p,
        lateral (select r.id as "runId", r.github_issue_number as "issueNumber", r.stage, ${claimableSince} as since
          from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id
          where r.project_id = p.id and r.result is null and r.waiting_for = 'worker' and j.run_at < 'infinity'
          order by r.standing_since, r.id limit 1) oldest
        join jsonb_to_recordset(${JSON.stringify(waits)}::jsonb) as waits (stage text, seconds float8) on waits.stage = oldest.stage,
        lateral (select oldest."runId" || ':' || floor(extract(epoch from oldest.since) * 1000)::bigint as standing) said
      where ${hasRoom}
        and oldest.since < now() - make_interval(secs => ${figures.absenceSeconds}::float8)
        and not exists (select from fc.workers w where w.workspace_id = p.workspace_id and not w.is_draining
          and w.last_seen_at > now() - make_interval(secs => ${figures.absenceSeconds}::float8))
        and not exists (select from fc.mails m where m.once = said.standing || ':notice_waiting')
      limit ${batchSize}`.execute(tx);
    const reason = "No worker is there to take it. Start one with `feedback-chat worker`.";
    await queueNotices(
      tx,
      deps,
      rows.map((row) => ({ ...row, kind: "notice_waiting", reason })),
    );
    return rows.length;
  });
}
