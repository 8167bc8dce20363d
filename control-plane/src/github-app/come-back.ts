import { Problem } from "@feedback-chat/protocol/problem";
import type { AppDeps } from "../app-deps.ts";
import type { Caller } from "../platform/caller.ts";
import { link, paragraph } from "../platform/render-page.ts";
import { browserSession } from "./browser-session.ts";
import { connectProject } from "./connect-project.ts";
import { createApp } from "./create-app.ts";
import { authorizeUrl } from "./exchange-code.ts";
import { checkState, takeState } from "./github-state.ts";
import { page } from "./manifest-page.ts";
import { openApp } from "./open-app.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId">;
type Back = { caller: Caller; cookies: string | undefined };
type Installed = Back & { state: string | undefined; action: string | undefined };

/**
 * GitHub brings a person here who installed the App. Which installation the address names is not looked at: everybody
 * can write an address. They go on to say who they are.
 * @throws Problem forbidden
 */
export async function comeBackInstalled(deps: Deps, { caller, cookies, state, action }: Installed): Promise<Response> {
  const session = browserSession(caller, cookies);
  const start = link(deps.config.publicUrl ?? "/", "Back to the projects");
  if (action === "request")
    return page(
      "Asked for",
      `${paragraph("An owner of the account has to approve the App on GitHub. Connect the project then.")}${start}`,
    );
  if (state === undefined)
    return page(
      "Installed",
      `${paragraph("The App is installed. Connect your project to it: `feedback-chat github connect` names the page.")}${start}`,
    );
  await checkState(deps, session, state);
  const app = await openApp(deps);
  if (!app) throw new Problem("not_found", "This instance has no GitHub App.");
  return new Response(null, { status: 302, headers: { location: authorizeUrl(deps, app, state) } });
}

/**
 * GitHub brings a code: of a manifest, or of a person who said who they are. The state says of which, and is used up.
 * @throws Problem forbidden, and what `createApp` and `connectProject` throw
 */
export async function comeBackWithCode(
  deps: Deps,
  { caller, cookies, state, code }: Back & { state: string; code: string },
): Promise<Response> {
  const { projectId } = await takeState(deps, browserSession(caller, cookies), state);
  const start = link(deps.config.publicUrl ?? "/", "Back to the projects");
  if (projectId === null) {
    if (caller.kind !== "user" || !caller.isOperator)
      throw new Problem("forbidden", "Only the operator makes the instance's GitHub App.");
    const { slug, htmlUrl } = await createApp(deps, { caller, code });
    const said = paragraph(`The GitHub App "${slug}" is made; its keys are sealed here. Now connect your projects.`);
    return page("GitHub App made", `${said}${link(htmlUrl, "Look at it on GitHub")}${start}`);
  }
  const app = await openApp(deps);
  if (!app) throw new Problem("not_found", "This instance has no GitHub App.");
  const { name, repository } = await connectProject(deps, { caller, projectId, app, code, state });
  return page("Connected", `${paragraph(`"${name}" is connected: the GitHub App serves ${repository}.`)}${start}`);
}
