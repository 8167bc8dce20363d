import type { AgentHealth } from "@feedback-chat/protocol/widget";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";

type Deps = Pick<AppDeps, "db" | "config">;

/** What the widget has always asked: is somebody at work, and how many wait. */
export async function readAgentHealth({ db, config }: Deps, projectId: string): Promise<AgentHealth> {
  // A worker is silent for at most one long poll and one renewal.
  const silentSeconds = config.figures.claimWaitSeconds + config.figures.leaseSeconds;
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ currentJobs: number[]; queueLength: number; workersOnline: number }>`
      select
        coalesce((select array_agg(github_issue_number order by locked_at, id) from fc.job_queue
          where project_id = ${projectId} and status = 'processing'), '{}') as "currentJobs",
        (select count(*)::int from fc.job_queue where project_id = ${projectId} and status = 'pending') as "queueLength",
        (select count(*)::int from fc.workers
          where not is_draining and last_seen_at > now() - make_interval(secs => ${silentSeconds}::float8)) as "workersOnline"`.execute(
      tx,
    ),
  );
  const [row] = rows;
  if (!row) throw new Error("A count without a row.");
  return { status: "ok", currentJob: row.currentJobs[0] ?? null, ...row };
}
