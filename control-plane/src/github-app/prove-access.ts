import { Problem } from "@feedback-chat/protocol/problem";
import type { AppDeps } from "../app-deps.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { openOctokit } from "../github/open-octokit.ts";
import { connectUrl } from "./find-connection.ts";
import type { OpenedApp } from "./open-app.ts";
import { signAppToken } from "./sign-app-token.ts";

type Deps = Pick<AppDeps, "config" | "now">;
type Asked = { app: OpenedApp; userToken: string; githubRepo: string; projectId: string };
export type Proven = { repositoryId: number; fullName: string; isPrivate: boolean; installationId: number };

/**
 * That the person behind the token may write to the repository, and that the App is installed on it: both in GitHub's
 * words, nothing of what stood in an address.
 * @throws Problem github_access, github_unreachable
 */
export async function proveAccess(deps: Deps, { app, userToken, githubRepo, projectId }: Asked): Promise<Proven> {
  const [owner = "", repo = ""] = githubRepo.split("/");
  const { config, now } = deps;
  const mend = `Mend it: ${connectUrl(config, projectId)}`;
  const asPerson = openOctokit(config.githubApiUrl, userToken).rest.repos.get({ owner, repo });
  const { data: seen } = await asPerson.catch(
    refusing(now, `Your GitHub account and the App do not both see ${githubRepo}.`, mend),
  );
  if (!seen.permissions?.push)
    throw new Problem("github_access", `Your GitHub account may not write to ${seen.full_name}.`, {
      next: "Ask somebody who may to connect the project.",
    });
  const asApp = openOctokit(config.githubApiUrl, signAppToken(app, now()));
  const named = { owner: seen.owner.login, repo: seen.name };
  const found = await asApp.rest.apps
    .getRepoInstallation(named)
    .catch(refusing(now, `The GitHub App is not installed on ${seen.full_name}.`, mend));
  if (found.data.suspended_at)
    throw new Problem("github_access", "The GitHub App's installation is suspended.", {
      next: `Lift that in GitHub's settings: ${found.data.html_url}`,
    });
  return { repositoryId: seen.id, fullName: seen.full_name, isPrivate: seen.private, installationId: found.data.id };
}

function refusing(now: () => Date, detail: string, next: string) {
  return (error: unknown): never => {
    const { kind, said } = githubTrouble(error, now());
    if (kind === "unreachable" || kind === "rate")
      throw new Problem("github_unreachable", `GitHub cannot be asked now: ${said}`, { cause: error });
    throw new Problem("github_access", detail, { next, cause: error });
  };
}
