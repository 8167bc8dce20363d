import { systemActor } from "@feedback-chat/protocol/actor";
import type { AppDeps } from "../app-deps.ts";
import { githubFor } from "../github/github-for.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { asProject } from "../platform/as-tenant.ts";
import { isInProduction, reportsProduction } from "./find-deployment.ts";
import type { Merged } from "./list-merged.ts";
import { movePublished } from "./move-published.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now">;

/**
 * A merged run is deployed as soon as its commit is in production, or at once if the repository never says what it
 * deploys.
 * @returns false while the deployment is still to come, or GitHub cannot be asked.
 */
export async function settleMerged(deps: Deps, run: Merged): Promise<boolean> {
  const detail = await howItEnded(deps, run);
  if (detail === null) return false;
  await asProject(deps.db, run.projectId, (tx) =>
    movePublished(tx, run.id, { event: "deployed", actor: systemActor, detail }),
  );
  return true;
}

async function howItEnded(deps: Deps, { projectId, mergeSha }: Merged): Promise<string | null> {
  const github = await githubFor(deps, projectId);
  if (!github) return "Merged.";
  try {
    if (!(await reportsProduction(github))) return "Merged.";
    return (await isInProduction(github, mergeSha)) ? "Merged and deployed to production." : null;
  } catch (error) {
    const { kind } = githubTrouble(error, deps.now());
    // The token may not see deployments: then they cannot be waited for.
    return kind === "access" || kind === "gone" ? "Merged." : null;
  }
}
