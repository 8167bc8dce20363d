import { Problem } from "@feedback-chat/protocol/problem";
import type { AppDeps } from "../app-deps.ts";
import { type GitHubStep, permissionsFor } from "../core/app-permissions.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { openOctokit } from "../github/open-octokit.ts";
import { type Connection, connectUrl } from "./find-connection.ts";
import { openApp } from "./open-app.ts";
import { signAppToken } from "./sign-app-token.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now">;

/**
 * A token of an hour for one step: this one repository, the step's rights and no more. It is stored nowhere.
 * @throws Problem github_access with the page that mends it, github_unreachable, rate_limited, unavailable
 */
export async function mintToken(deps: Deps, connection: Connection, step: GitHubStep): Promise<string> {
  const { config, now } = deps;
  if (connection.access === "removed") throw noAccess(deps, connection, "is not installed on the repository any more");
  const app = await openApp(deps);
  if (!app) throw noAccess(deps, connection, "is not there any more");
  try {
    const github = openOctokit(config.githubApiUrl, signAppToken(app, now()));
    const { data } = await github.rest.apps.createInstallationAccessToken({
      installation_id: Number(connection.installationId),
      repository_ids: [Number(connection.repositoryId)],
      permissions: permissionsFor[step],
    });
    return data.token;
  } catch (error) {
    const { kind, said, retryAfterSeconds } = githubTrouble(error, now());
    if (kind === "unreachable")
      throw new Problem("github_unreachable", `GitHub cannot be reached: ${said}`, { cause: error });
    if (kind === "rate")
      throw new Problem("rate_limited", `GitHub asks to wait: ${said}`, { facts: { retryAfterSeconds }, cause: error });
    throw noAccess(deps, connection, `gets no access: ${said}`, error);
  }
}

function noAccess({ config }: Deps, { projectId }: Connection, what: string, cause?: unknown): Problem {
  return new Problem("github_access", `The GitHub App ${what}.`, {
    next: `Connect the project again: ${connectUrl(config, projectId)}`,
    cause,
  });
}
