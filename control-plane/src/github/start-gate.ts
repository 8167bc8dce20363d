import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { admitRun } from "./admit-run.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log" | "signals">;

const longestWaitSeconds = 300;

/** Looks at every run that waits at the gate: when one is made, when a credential comes, and again in any case. */
export function startGate(deps: Deps): Doing {
  const waits = new Map<string, { until: number; seconds: number }>();
  const { sweepEverySeconds } = deps.config.figures;
  const rhythm = { name: "gate", everySeconds: sweepEverySeconds, channel: "gate" } as const;
  return keepDoing(deps, rhythm, async (stopped) => {
    const nowMs = deps.now().getTime();
    // What left the gate meanwhile is forgotten long after its wait.
    for (const [id, { until }] of waits) if (until < nowMs - 2_000 * longestWaitSeconds) waits.delete(id);
    const waiting = [...waits].filter(([, { until }]) => until > nowMs).map(([id]) => id);
    for (const run of await runsAtGate(deps, waiting)) {
      const wait = waits.get(run.id);
      if (stopped.aborted) return;
      const again = await admitRun(deps, run).catch((error: unknown) => {
        deps.log.error("gate.failed", { runId: run.id, error });
        return 0;
      });
      if (again === undefined) {
        waits.delete(run.id);
        continue;
      }
      const longer = Math.min(longestWaitSeconds, (wait?.seconds ?? sweepEverySeconds / 2) * 2);
      const seconds = Math.max(again, longer);
      waits.set(run.id, { until: deps.now().getTime() + seconds * 1000, seconds: longer });
    }
  });
}

/**
 * As the system: they are of all projects. What waits for a credential is looked at again once there is one, or
 * a worker with a token of its own. Those whose turn comes later (`waiting`) take no place of others.
 */
async function runsAtGate({ db }: Deps, waiting: string[]): Promise<{ id: string; projectId: string }[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ id: string; projectId: string }>`
      select r.id, r.project_id as "projectId"
      from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id join fc.projects p on p.id = r.project_id
      where r.result is null and r.stage = 'queued' and r.phase = 'gate' and j.status = 'pending' and p.deleted_at is null
        and r.id <> all(${waiting}::uuid[]) and (r.waiting_for = 'github' or p.github_installation_id is not null or exists (select from fc.credentials c where c.project_id = r.project_id and c.type = 'github_token')
          or exists (select from fc.workers w where w.workspace_id = p.workspace_id
            and w.capabilities -> 'localCredentials' @> '["github_token"]'::jsonb))
      order by r.standing_since limit 200`.execute(tx),
  );
  return rows;
}
