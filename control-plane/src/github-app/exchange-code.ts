import { createHash, createHmac } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import * as z from "zod";
import type { Config } from "../config.ts";
import type { OpenedApp } from "./open-app.ts";

type Deps = { config: Pick<Config, "publicUrl" | "githubUrl"> };
const answer = z.union([z.object({ access_token: z.string() }), z.object({ error: z.string() })]);

/** Where GitHub asks a person whether our App may know who they are, and brings them back from. */
export function authorizeUrl({ config }: Deps, app: OpenedApp, state: string): string {
  const url = new URL(`${config.githubUrl}/login/oauth/authorize`);
  url.search = new URLSearchParams({
    client_id: app.clientId, redirect_uri: callbackUrl(config), state,
    code_challenge: createHash("sha256").update(verifierOf(app, state)).digest("base64url"), code_challenge_method: "S256",
  }).toString(); // prettier-ignore
  return url.href;
}

/**
 * The person's own token of our App, for the few requests that prove what they may do; it is stored nowhere.
 * @throws Problem github_access, github_unreachable
 */
export async function exchangeCode(
  { config }: Deps,
  app: OpenedApp,
  { code, state }: { code: string; state: string },
): Promise<string> {
  const response = await fetch(`${config.githubUrl}/login/oauth/access_token`, {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      client_id: app.clientId, client_secret: app.clientSecret, code, redirect_uri: callbackUrl(config),
      code_verifier: verifierOf(app, state),
    }).toString(),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => {
    throw new Problem("github_unreachable", "GitHub cannot be reached.", { cause: error });
  }); // prettier-ignore
  if (response.status >= 500) throw new Problem("github_unreachable", `GitHub answered with ${response.status}.`);
  const said = answer.safeParse(await response.json());
  if (said.success && "access_token" in said.data) return said.data.access_token;
  throw new Problem("github_access", "GitHub does not take this sign-in.", {
    next: "Begin again from the project's page.",
  });
}

export function callbackUrl({ publicUrl }: Pick<Config, "publicUrl">): string {
  return `${publicUrl ?? ""}/api/github/callback`;
}

/** Only who knows the App's secret can tell it from a state: it need not be kept between the two requests. */
function verifierOf({ clientSecret }: OpenedApp, state: string): string {
  return createHmac("sha256", clientSecret).update(`pkce ${state}`).digest("base64url");
}
