import type { AppDeps } from "../app-deps.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { keepLeading } from "../platform/keep-leading.ts";
import { listMerged } from "./list-merged.ts";
import { listPublished, pollPulls } from "./poll-pulls.ts";
import { settleMerged } from "./settle-merged.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log" | "signals">;

/**
 * Follows published runs to their end: what was merged at once, by whichever replica hears of it first; open pull
 * requests every 5 minutes, by one of them.
 */
export function startFollowing(deps: Deps): Doing {
  const everySeconds = deps.config.figures.pollIssuesEverySeconds;
  const settling = startSettling(deps, everySeconds);
  const polling = keepLeading(deps, { name: "follow", everySeconds }, async ({ isStillMine }) => {
    const byProject = Map.groupBy(await listPublished(deps), ({ projectId }) => projectId);
    for (const [projectId, runs] of byProject) {
      if (!(await isStillMine())) return;
      await pollPulls(deps, projectId, runs).catch((error: unknown) => noteTrouble(deps, projectId, error));
    }
  });
  return {
    async stop() {
      await Promise.all([settling.stop(), polling.stop()]);
    },
  };
}

/** What was merged is looked at once when it is heard of, and once in each round: its deployment may take long. */
function startSettling(deps: Deps, everySeconds: number): Doing {
  let roundAt = -Infinity;
  const looked = new Set<string>();
  return keepDoing(deps, { name: "settle", everySeconds, channel: "gate" }, async (stopped) => {
    if (deps.now().getTime() - roundAt >= everySeconds * 1_000) {
      roundAt = deps.now().getTime();
      looked.clear();
    }
    for (const run of await listMerged(deps)) {
      if (looked.has(run.id) || stopped.aborted) continue;
      looked.add(run.id);
      await settleMerged(deps, run);
    }
  });
}

/** GitHub's troubles pass, and the next round comes; anything else is a bug and ends this one. */
function noteTrouble(deps: Deps, projectId: string, error: unknown): void {
  const { kind, said } = githubTrouble(error, deps.now());
  deps.log.warn("follow.failed", { projectId, kind, reason: said });
}
