import { systemActor } from "@feedback-chat/protocol/actor";
import { isProblem } from "@feedback-chat/protocol/problem";
import { closedSecretCodes } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { openApp } from "../github-app/open-app.ts";
import { asProject, asSystem } from "../platform/as-tenant.ts";
import { storedToken } from "./token-for.ts";
import { wakeWaitingRuns } from "./wake-waiting-runs.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "log">;

/**
 * Lets the runs go on that waited for a secret which did not open, in every project whose secrets open by now: the
 * master key is right again, or the row was restored. Runs that the gate holds are checked by the gate itself.
 */
export async function wakeClosedRuns(deps: Deps): Promise<void> {
  const { db, sealing, log } = deps;
  if (!sealing.isReady) return;
  // As the system: they are of all projects.
  const { rows } = await asSystem(db, (tx) =>
    sql<{ projectId: string }>`
      select distinct project_id as "projectId" from fc.pipeline_runs
      where result is null and waiting_for = 'credential' and phase is distinct from 'gate'
        and reason = any(${closedSecretCodes}::text[])`.execute(tx),
  );
  for (const { projectId } of rows) {
    if (!(await isOpenFor(deps, projectId))) continue;
    const woken = { projectId, actor: systemActor, reasons: closedSecretCodes };
    await asProject(db, projectId, (tx) => wakeWaitingRuns(tx, woken));
    log.info("secrets.opened", { projectId });
  }
}

async function isOpenFor(deps: Deps, projectId: string): Promise<boolean> {
  try {
    await storedToken(deps, projectId, ["anthropic_api_key"]);
    await storedToken(deps, projectId, ["claude_oauth"]);
    // A project with a token of its own does not use the App.
    if ((await storedToken(deps, projectId, ["github_token"])) === null) await openApp(deps);
    return true;
  } catch (error) {
    if (isProblem(error, "credential_unreadable")) return false;
    throw error;
  }
}
