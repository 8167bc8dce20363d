import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { openOctokit } from "../github/open-octokit.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { sealAppSecret } from "./app-secrets.ts";
import type { GitHubApp } from "./open-app.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId">;
const conversion = z.object({
  id: z.int(),
  slug: z.string(),
  html_url: z.url(),
  client_id: z.string(),
  client_secret: z.string(),
  webhook_secret: z.string(),
  pem: z.string(),
});

/**
 * Exchanges the code that GitHub gave for our manifest, which it does once, and seals what comes: the instance has its
 * App from now on.
 * @throws Problem conflict (there is one), github_access (the code is over), github_unreachable
 */
export async function createApp(deps: Deps, { caller, code }: { caller: Caller; code: string }): Promise<GitHubApp> {
  const made = await exchange(deps, code);
  const appId = String(made.id);
  const sealed = (name: Parameters<typeof sealAppSecret>[2][0], plain: string) =>
    sealAppSecret(deps, appId, [name, plain]);
  // As the system: the App is the instance's.
  const isStored = await asSystem(deps.db, async (tx) => {
    const { rows } = await sql`
      insert into fc.github_app (app_id, slug, html_url, client_id, private_key, webhook_secret, client_secret)
      values (${made.id}, ${made.slug}, ${made.html_url}, ${made.client_id}, ${sealed("private_key", made.pem)},
        ${sealed("webhook_secret", made.webhook_secret)}, ${sealed("client_secret", made.client_secret)})
      on conflict do nothing returning app_id`.execute(tx);
    if (rows.length === 0) return false;
    await writeAudit(tx, {
      id: deps.newId(), workspaceId: null, projectId: null, actor: actorOf(caller), action: "github_app.created", target: appId,
    }); // prettier-ignore
    return true;
  });
  if (!isStored)
    throw new Problem("conflict", `This instance has a GitHub App already; "${made.slug}" was made in vain.`, {
      next: `Delete "${made.slug}" in GitHub's settings: ${made.html_url}`,
    });
  return { appId, slug: made.slug, htmlUrl: made.html_url, clientId: made.client_id };
}

async function exchange({ config, now }: Deps, code: string): Promise<z.infer<typeof conversion>> {
  try {
    const { data } = await openOctokit(config.githubApiUrl, null).rest.apps.createFromManifest({ code });
    return conversion.parse(data);
  } catch (error) {
    if (error instanceof z.ZodError) throw error;
    const { kind, said } = githubTrouble(error, now());
    if (kind === "unreachable" || kind === "rate")
      throw new Problem("github_unreachable", `GitHub cannot be reached: ${said}`, { cause: error });
    throw new Problem("github_access", "GitHub does not know this code: it was used, or an hour has passed.", {
      next: "Make the App again.",
      cause: error,
    });
  }
}
