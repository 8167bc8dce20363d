import type { AppDeps } from "../app-deps.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { listPublished, pollPull } from "./poll-pulls.ts";
import { settleMerged } from "./settle-merged.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log" | "signals">;

/** Follows published runs to their end: what was merged at once, open pull requests every 5 minutes. */
export function startFollowing(deps: Deps): Doing {
  const everySeconds = deps.config.figures.pollIssuesEverySeconds;
  let polledAt = -Infinity;
  const looked = new Set<string>();
  return keepDoing(deps, { name: "follow", everySeconds, channel: "gate" }, async (stopped) => {
    const isDue = deps.now().getTime() - polledAt >= everySeconds * 1000;
    if (isDue) {
      polledAt = deps.now().getTime();
      looked.clear();
      for (const run of await listPublished(deps)) {
        if (stopped.aborted) return;
        await pollPull(deps, run).catch((error: unknown) => noteTrouble(deps, run.id, error));
      }
    }
    for (const run of await listPublished(deps)) {
      const { id, projectId, mergeSha } = run;
      if (mergeSha === null || looked.has(id) || stopped.aborted) continue;
      looked.add(id);
      await settleMerged(deps, { id, projectId, mergeSha });
    }
  });
}

/** GitHub's troubles pass, and the next round comes; anything else is a bug and ends this one. */
function noteTrouble(deps: Deps, runId: string, error: unknown): void {
  const { kind, said } = githubTrouble(error, deps.now());
  deps.log.warn("follow.failed", { runId, kind, reason: said });
}
