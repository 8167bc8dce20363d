import { Problem } from "@feedback-chat/protocol/problem";
import type { AppDeps } from "../app-deps.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { openOctokit } from "../github/open-octokit.ts";
import { link, paragraph } from "../platform/render-page.ts";
import type { BrowserSession } from "./browser-session.ts";
import { authorizeUrl } from "./exchange-code.ts";
import { findConnection } from "./find-connection.ts";
import { makeState } from "./github-state.ts";
import { page } from "./manifest-page.ts";
import { openApp, type OpenedApp } from "./open-app.ts";
import { signAppToken } from "./sign-app-token.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now">;
type Asked = { session: BrowserSession; projectId: string };

/** One link to GitHub: to install the App where it is not, else at once to the question who the person is. */
export async function connectPage(deps: Deps, { session, projectId }: Asked): Promise<Response> {
  const app = await openApp(deps);
  if (!app)
    throw new Problem("not_found", "This instance has no GitHub App yet.", {
      next: `Its operator makes one here: ${deps.config.publicUrl ?? ""}/api/github/manifest`,
    });
  const { githubRepo, connection } = await findConnection(deps, projectId);
  const state = await makeState(deps, session, { projectId });
  const url = (await isInstalled(deps, app, githubRepo))
    ? authorizeUrl(deps, app, state)
    : `${app.htmlUrl}/installations/new?state=${state}`;
  const said = connection
    ? `The project's connection by the GitHub App "${app.slug}" is ${connection.access}.`
    : `The GitHub App "${app.slug}" serves ${githubRepo} with tokens of an hour and its own webhook. What the project has now stays beside it.`;
  return page("Connect GitHub App", `${paragraph(said)}${link(url, `Connect ${githubRepo} on GitHub`)}`);
}

async function isInstalled({ config, now }: Deps, app: OpenedApp, githubRepo: string): Promise<boolean> {
  const [owner = "", repo = ""] = githubRepo.split("/");
  const github = openOctokit(config.githubApiUrl, signAppToken(app, now()));
  const found = await github.rest.apps.getRepoInstallation({ owner, repo }).catch((error: unknown) => {
    const { kind, said } = githubTrouble(error, now());
    if (kind === "gone") return null;
    throw new Problem("github_unreachable", `GitHub cannot be asked about its App: ${said}`, { cause: error });
  });
  return found !== null && !found.data.suspended_at;
}
