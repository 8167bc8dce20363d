import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Doing } from "../platform/keep-doing.ts";
import { keepLeading } from "../platform/keep-leading.ts";
import type { PolledProject } from "./poll-issues.ts";
import { redeliverAppMissed } from "../github-app/redeliver-app-missed.ts";
import { lookBack, reconcile, type Rounds } from "./reconcile.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "log" | "signals">;

/**
 * Asks each project's repository for what webhooks did not bring, at start and every 5 minutes. One replica does: two
 * would have GitHub send everything twice.
 */
export function startPolling(deps: Deps): Doing {
  let rounds: Rounds = { seen: new Map(), known: new Set() };
  let isAppKnown = false;
  const everySeconds = deps.config.figures.pollIssuesEverySeconds;
  return keepLeading(deps, { name: "poll", everySeconds }, async ({ isFirst, isStillMine }) => {
    if (isFirst) {
      rounds = { seen: new Map(), known: new Set() };
      isAppKnown = false;
    }
    const byApp = await redeliverAppMissed(deps, lookBack(deps, !isAppKnown));
    if (byApp.count > 0) deps.log.info("poll.found", { redelivered: byApp.count });
    isAppKnown ||= byApp.trouble === null;
    // As the system: they are of all workspaces.
    const { rows } = await asSystem(deps.db, (tx) =>
      sql<PolledProject>`select id, trigger_label as "triggerLabel" from fc.projects where deleted_at is null and not is_paused`.execute(
        tx,
      ),
    );
    for (const project of rows) {
      if (!(await isStillMine())) return;
      const found = await reconcile(deps, rounds, project).catch((error: unknown) => {
        deps.log.error("poll.failed", { projectId: project.id, error });
        return undefined;
      });
      if (!found || found.issues.length + found.redelivered === 0) continue;
      deps.log.info("poll.found", {
        projectId: project.id,
        issues: found.issues.join(" "),
        redelivered: found.redelivered,
      });
    }
  });
}
