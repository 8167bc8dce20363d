import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { giveUpLead, takeLead } from "../platform/take-lead.ts";
import { admitRun } from "./admit-run.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log" | "signals">;

const longestWaitSeconds = 300;
/** So many projects are looked at side by side: one whose GitHub does not answer keeps no other waiting. */
const projectsAtOnce = 8;

type AtGate = { id: string; projectId: string };
/** By run: when it is looked at again, and after how long. */
type Waits = Map<string, { until: number; seconds: number }>;

/**
 * Looks at every run that waits at the gate: when one is made, when a credential comes, and again in any case. The
 * runs of a project one after the other, by one replica at a time: two would ask GitHub everything twice.
 */
export function startGate(deps: Deps): Doing {
  const waits: Waits = new Map();
  const holder = randomUUID();
  const rhythm = { name: "gate", everySeconds: deps.config.figures.sweepEverySeconds, channel: "gate" } as const;
  return keepDoing(deps, rhythm, async (stopped) => {
    while (await lookOnce(deps, { waits, holder, stopped }));
  });
}

type Turn = { waits: Waits; holder: string; stopped: AbortSignal };

/** @returns whether some of what it found was left for the next look. */
async function lookOnce(deps: Deps, turn: Turn): Promise<boolean> {
  const { waits, stopped } = turn;
  const nowMs = deps.now().getTime();
  // What left the gate meanwhile is forgotten long after its wait.
  for (const [id, { until }] of waits) if (until < nowMs - 2_000 * longestWaitSeconds) waits.delete(id);
  const waiting = [...waits].filter(([, { until }]) => until > nowMs).map(([id]) => id);
  const byProject = Map.groupBy(await runsAtGate(deps, waiting), ({ projectId }) => projectId);
  const queue = [...byProject];
  let isLeft = false;
  const inTurn = async () => {
    for (let next = queue.shift(); next && !stopped.aborted; next = queue.shift())
      isLeft = (await admitAlone(deps, turn, next)) || isLeft;
  };
  const ended = await Promise.allSettled(Array.from({ length: projectsAtOnce }, inTurn));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return isLeft && !stopped.aborted;
}

/**
 * Nothing, while another replica is at this project: it was woken by the same signal, and looks again if it must. For
 * one sweep's time at most: then whatever came meanwhile, of other projects too, has its turn.
 * @returns whether some runs were left.
 */
async function admitAlone(deps: Deps, turn: Turn, [projectId, runs]: [string, AtGate[]]): Promise<boolean> {
  const { waits, holder, stopped } = turn;
  const { sweepEverySeconds } = deps.config.figures;
  const lead = { name: `gate ${projectId}`, holder, seconds: 3 * sweepEverySeconds };
  if (!(await takeLead(deps, lead))) return false;
  try {
    const endMs = performance.now() + sweepEverySeconds * 1_000;
    for (const run of runs) {
      if (stopped.aborted || performance.now() > endMs) return true;
      await admitOnce(deps, waits, run);
    }
    return false;
  } finally {
    await giveUpLead(deps, lead);
  }
}

async function admitOnce(deps: Deps, waits: Waits, run: AtGate): Promise<void> {
  const wait = waits.get(run.id);
  const again = await admitRun(deps, run).catch((error: unknown) => {
    deps.log.error("gate.failed", { runId: run.id, error });
    return 0;
  });
  if (again === undefined) {
    waits.delete(run.id);
    return;
  }
  const longer = Math.min(longestWaitSeconds, (wait?.seconds ?? deps.config.figures.sweepEverySeconds / 2) * 2);
  const seconds = Math.max(again, longer);
  waits.set(run.id, { until: deps.now().getTime() + seconds * 1000, seconds: longer });
}

/**
 * As the system: they are of all projects. What waits for a credential is looked at again once there is one, or
 * a worker with a token of its own. Those whose turn comes later (`waiting`) take no place of others.
 */
async function runsAtGate({ db }: Deps, waiting: string[]): Promise<AtGate[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<AtGate>`
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
