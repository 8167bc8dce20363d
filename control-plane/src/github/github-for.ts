import type { Octokit } from "@octokit/rest";
import type { AppDeps } from "../app-deps.ts";
import type { GitHubStep } from "../core/app-permissions.ts";
import { storedToken } from "../credentials/token-for.ts";
import { findConnection } from "../github-app/find-connection.ts";
import { mintToken } from "../github-app/mint-token.ts";
import { openOctokit } from "./open-octokit.ts";

export type GitHubDeps = Pick<AppDeps, "db" | "sealing" | "config" | "now">;
export type ProjectGitHub = {
  octokit: Octokit;
  named: { owner: string; repo: string };
  /** By the App, or by the project's own token. */
  way: "app" | "token";
};

/**
 * A client for the project's repository with the rights of one step; null when the server holds no token. By the App
 * the token is made with the first request: what GitHub says against it is that request's error.
 */
export async function githubFor(
  deps: GitHubDeps,
  projectId: string,
  step: GitHubStep = "read",
): Promise<ProjectGitHub | null> {
  const { githubRepo, connection } = await findConnection(deps, projectId);
  const [owner = "", repo = ""] = githubRepo.split("/");
  const { githubApiUrl } = deps.config;
  if (connection) {
    const octokit = openOctokit(githubApiUrl, null);
    let minted: Promise<string> | undefined;
    octokit.hook.before("request", async ({ headers }) => {
      minted ??= mintToken(deps, connection, step);
      headers.authorization = `token ${await minted}`;
    });
    return { octokit, named: { owner, repo }, way: "app" };
  }
  const token = await storedToken(deps, projectId, ["github_token"]);
  return token && { octokit: openOctokit(githubApiUrl, token.value), named: { owner, repo }, way: "token" };
}
