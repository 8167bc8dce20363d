import { Octokit } from "@octokit/rest";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { tokenFor } from "../credentials/token-for.ts";
import { asProject } from "../platform/as-tenant.ts";

export type GitHubDeps = Pick<AppDeps, "db" | "sealing" | "config">;
export type ProjectGitHub = { octokit: Octokit; named: { owner: string; repo: string } };

const requestMs = 10_000;

/** A client for the project's repository with the project's own token; null when the server holds none. */
export async function githubFor(deps: GitHubDeps, projectId: string): Promise<ProjectGitHub | null> {
  const token = await tokenFor(deps, projectId, "read");
  if (!token) return null;
  const { rows } = await asProject(deps.db, projectId, (tx) =>
    sql<{
      github_repo: string;
    }>`select github_repo from fc.projects where id = ${projectId}`.execute(tx),
  );
  const [owner = "", repo = ""] = rows[0]?.github_repo.split("/") ?? [];
  return { octokit: openOctokit(deps.config.githubApiUrl, token.value), named: { owner, repo } };
}

/** Without retries and logs of its own: our loops come back by themselves. */
function openOctokit(baseUrl: string, auth: string): Octokit {
  const timed: typeof fetch = (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(requestMs) });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  return new Octokit({
    baseUrl,
    auth,
    userAgent: "feedback-chat",
    log: silent,
    request: { fetch: timed },
  });
}
