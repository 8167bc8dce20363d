import type { Github } from "../src/github-server.ts";
import { claimsNow, signJwt } from "./sign-jwt.ts";

export type MadeApp = {
  id: number;
  slug: string;
  client_id: string;
  client_secret: string;
  webhook_secret: string;
  pem: string;
  jwt(): string;
};
type Wanted = { by: string; name?: string; hookUrl?: string; permissions?: object; events?: string[] };

export const redirectUrl = "http://127.0.0.1:9/callback";
export const setupUrl = "http://127.0.0.1:9/setup";

/** A browser's click through GitHub's page for a manifest, then the exchange of the code that comes back. */
export async function makeApp(github: Github, wanted: Wanted): Promise<MadeApp> {
  const { by, name = "Shop helper", hookUrl = "http://127.0.0.1:9/", events = ["issues", "repository"] } = wanted;
  const manifest = {
    name, url: "http://127.0.0.1:9", hook_attributes: { url: hookUrl }, redirect_url: redirectUrl,
    callback_urls: [redirectUrl], setup_url: setupUrl, public: false, default_events: events,
    default_permissions: wanted.permissions ?? { contents: "write", issues: "write", pull_requests: "write" },
  }; // prettier-ignore
  const clicked = await fetch(`${github.url}/settings/apps/new?state=s1`, {
    method: "POST",
    headers: { ...github.browserOf(by), "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ manifest: JSON.stringify(manifest) }).toString(),
    redirect: "manual",
  });
  const back = new URL(clicked.headers.get("location") ?? "");
  if (back.searchParams.get("state") !== "s1") throw new Error("The state did not come back.");
  const code = back.searchParams.get("code");
  const made = await fetch(`${github.url}/app-manifests/${code}/conversions`, { method: "POST" });
  const app = (await made.json()) as Omit<MadeApp, "jwt">;
  return { ...app, jwt: () => signJwt(app.pem, claimsNow(app.client_id)) };
}
