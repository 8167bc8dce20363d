import type { Hono } from "hono";
import { type AppContext, type AppEnvironment, page, repositoryFor } from "./context.ts";
import type { CommitStatus, Hub, Repository } from "./hub.ts";
import { refusal } from "./refuse.ts";
import { renderCheckRun, renderStatus } from "./render-deployment.ts";
import { renderRepository, repositoryUrl } from "./render-repository.ts";
import { resolveCommit } from "./run-git.ts";

/** Commit statuses and check runs. Mounted before `commits/:ref`, which would take these paths for a ref. */
export function checkRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  const commit = "/repos/:owner/:repo/commits/:ref{.+}";
  app.get(`${commit}/statuses`, async (c) => {
    const repository = repositoryFor(hub, c, { permission: "statuses", level: "read" });
    const { statuses } = await statusesOf(hub, repository, c);
    return c.json(page(c, statuses).map((one) => ({ ...renderStatus(hub, repository, one), creator: null })));
  });
  app.get(`${commit}/status`, async (c) => {
    const repository = repositoryFor(hub, c, { permission: "statuses", level: "read" });
    const { sha, statuses } = await statusesOf(hub, repository, c);
    const latest = [...new Map(statuses.toReversed().map((one) => [one.context, one])).values()];
    const url = `${repositoryUrl(hub, repository)}/commits/${sha}`;
    return c.json({
      state: combine(latest), statuses: latest.map((one) => renderStatus(hub, repository, one)), sha,
      total_count: latest.length, repository: renderRepository(hub, repository), commit_url: url, url: `${url}/status`,
    }); // prettier-ignore
  });
  app.get(`${commit}/check-runs`, async (c) => {
    const repository = repositoryFor(hub, c, { permission: "checks", level: "read" });
    const sha = await commitFor(hub, repository, c);
    const found = repository.checkRuns.filter((check) => check.sha === sha);
    return c.json({
      total_count: found.length,
      check_runs: page(c, found).map((check) => renderCheckRun(hub, repository, check)),
    });
  });
}

async function statusesOf(hub: Hub, repository: Repository, c: AppContext) {
  const sha = await commitFor(hub, repository, c);
  return { sha, statuses: repository.statuses.filter((status) => status.sha === sha) };
}

async function commitFor(hub: Hub, repository: Repository, c: AppContext): Promise<string> {
  const sha = await resolveCommit(hub, repository.gitDir, c.req.param("ref") ?? "");
  if (!sha) throw refusal(422, `No commit found for SHA: ${c.req.param("ref")}`);
  return sha;
}

function combine(statuses: CommitStatus[]): string {
  if (statuses.some(({ state }) => state === "failure" || state === "error")) return "failure";
  return statuses.length > 0 && statuses.every(({ state }) => state === "success") ? "success" : "pending";
}
