import type { ReconcileAnswer } from "@feedback-chat/protocol/webhook";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { takeTurn } from "../platform/take-turn.ts";
import type { PolledProject } from "./poll-issues.ts";
import { findConnection } from "../github-app/find-connection.ts";
import { redeliverAppMissed } from "../github-app/redeliver-app-missed.ts";
import { lookBack, reconcile } from "./reconcile.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "log">;

/** Each costs some of the token's requests at GitHub. */
const perMinute = 6;

/**
 * The background's round for one project at once, as if for the first time. A paused project starts no run.
 * @throws Problem rate_limited
 */
export async function reconcileNow(deps: Deps, projectId: string): Promise<ReconcileAnswer> {
  await takeTurn(deps.db, `reconcile:${projectId}`, perMinute);
  const { rows } = await asProject(deps.db, projectId, (tx) =>
    sql<PolledProject>`select id, trigger_label as "triggerLabel" from fc.projects
      where id = ${projectId} and deleted_at is null and not is_paused`.execute(tx),
  );
  const project = rows[0];
  if (!project) return { hasHookRights: false, redelivered: 0, runs: 0, trouble: "The project is paused." };
  const { issues, ...found } = await reconcile(deps, { seen: new Map(), known: new Set() }, project);
  const { connection } = await findConnection(deps, projectId);
  const byApp = connection ? await redeliverAppMissed(deps, lookBack(deps, true)) : { count: 0, trouble: null };
  return {
    ...found,
    redelivered: found.redelivered + byApp.count,
    runs: issues.length,
    trouble: found.trouble ?? byApp.trouble,
  };
}
