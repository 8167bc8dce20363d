import { systemActor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject, asSystem } from "../platform/as-tenant.ts";
import { vaultShut } from "./vault-shut.ts";
import { wakeWaitingRuns } from "./wake-waiting-runs.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "log">;

/** Once, at a start with the right master key: what waited for it alone goes on. What the gate holds, the gate asks itself. */
export async function wakeShutRuns({ db, sealing, log }: Deps): Promise<void> {
  if (!sealing.isReady) return;
  // As the system: they are of all projects.
  const { rows } = await asSystem(db, (tx) =>
    sql<{ projectId: string }>`
      select distinct project_id as "projectId" from fc.pipeline_runs
      where result is null and waiting_for = 'credential' and reason_text = ${vaultShut}`.execute(tx),
  );
  for (const { projectId } of rows)
    await asProject(db, projectId, (tx) => wakeWaitingRuns(tx, { projectId, actor: systemActor, onlySaid: vaultShut }));
  if (rows.length > 0) log.info("master_key.found", { projects: rows.length });
}
