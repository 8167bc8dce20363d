import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { type PolledProject, pollIssues, type Seen } from "./poll-issues.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "log" | "signals">;

/** Asks each project's repository for labelled issues without a run, at start and every 5 minutes. */
export function startPolling(deps: Deps): Doing {
  const seen: Seen = new Map();
  const everySeconds = deps.config.figures.pollIssuesEverySeconds;
  return keepDoing(deps, { name: "poll", everySeconds, channel: null }, async (stopped) => {
    // As the system: they are of all workspaces.
    const { rows } = await asSystem(deps.db, (tx) =>
      sql<PolledProject>`select id, trigger_label as "triggerLabel" from fc.projects where deleted_at is null and not is_paused`.execute(
        tx,
      ),
    );
    for (const project of rows) {
      if (stopped.aborted) return;
      const made = await pollIssues(deps, seen, project).catch((error: unknown) => {
        deps.log.error("poll.failed", { projectId: project.id, error });
        return [];
      });
      if (made.length > 0) deps.log.info("poll.found", { projectId: project.id, issues: made.join(" ") });
    }
  });
}
