import type { AppDeps } from "../app-deps.ts";
import { policyWithForms } from "../platform/security-headers.ts";
import { escapeHtml, link, paragraph, renderPage } from "../platform/render-page.ts";
import type { BrowserSession } from "./browser-session.ts";
import { makeState } from "./github-state.ts";
import { makeManifest } from "./make-manifest.ts";
import { readApp } from "./open-app.ts";

type Deps = Pick<AppDeps, "db" | "config">;
type Asked = { session: BrowserSession; organization: string | undefined };

/** One button that goes to GitHub with everything an App needs; it comes back to `callback` with a code. */
export async function manifestPage(deps: Deps, { session, organization }: Asked): Promise<Response> {
  const { config } = deps;
  const app = await readApp(deps);
  if (app) {
    const said = paragraph(`This instance has the GitHub App "${app.slug}". Connect your projects to it.`);
    return page("GitHub App", `${said}${link(app.htmlUrl, "Look at it on GitHub")}`);
  }
  const state = await makeState(deps, session, { projectId: null });
  const of = organization === undefined ? "" : `organizations/${encodeURIComponent(organization)}/`;
  const action = `${config.githubUrl}/${of}settings/apps/new?state=${state}`;
  const manifest = escapeHtml(JSON.stringify(makeManifest(config)));
  const content = `${paragraph("GitHub makes an App for this instance: its own webhook, and tokens of an hour for single repositories instead of a token of yours.")}  <form method="post" action="${escapeHtml(action)}">
    <input type="hidden" name="manifest" value="${manifest}">
    <button>Make the GitHub App</button>
  </form>
`;
  const response = page("Make a GitHub App", content);
  response.headers.set("content-security-policy", policyWithForms(new URL(config.githubUrl).origin));
  return response;
}

export function page(title: string, content: string): Response {
  return new Response(renderPage(title, content), { headers: { "content-type": "text/html; charset=utf-8" } });
}
